"""Who gets in: throttled passwords, a second factor, single sign-on."""
