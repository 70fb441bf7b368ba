// Run in every page before its own scripts: what may still change the page by itself, and when it
// last has. The list's script asks through `redrive.watch`.
(() => {
  const NAME = Symbol.for("redrive.watch");
  const due = new Map(), fired = new Map(), sizes = new Map();
  const everything = document.getElementsByTagName("*"), shadows = new Set();
  const size = () => [...shadows].reduce(
    (sum, root) => sum + root.querySelectorAll("*").length, everything.length);

  // A timer or interval that has gone off twice and left the page as large as it was repeats itself
  // (a clock, a carousel) and brings no bills. What goes off once each time that we scroll is
  // another matter, and so is what each press or choice brings: the count begins anew then.
  const goesOff = name => {
    const now = size(), grows = sizes.has(name) && sizes.get(name) !== now;
    fired.set(name, grows ? 0 : (fired.get(name) || 0) + 1);
    sizes.set(name, now);
  };
  const renew = () => fired.clear();
  // Playwright's choice in a select is no trusted event; "change" does not leave a shadow root.
  const onAct = event => {
    if (event.isTrusted || event.composedPath()[0].localName === "select") renew();
  };
  for (const act of ["pointerdown", "keydown", "input"]) addEventListener(act, onAct, true);
  const watchTimer = (start, repeats) => new Proxy(start, {apply(target, self, args) {
    const [work, delay = 0, ...rest] = args;
    const name = `${work}|${delay}`, after = Number(delay) || 0;
    const wait = () => {
      if ((fired.get(name) || 0) < 2) due.set(id, performance.now() + after);
    };
    const hasGoneOff = () => {
      due.delete(id);
      goesOff(name);
      if (repeats) wait();
    };
    const id = Reflect.apply(target, self, typeof work !== "function" ? args : [
      function (...given) { hasGoneOff(); return work.apply(this, given); }, delay, ...rest]);
    wait();
    if (typeof work !== "function") Reflect.apply(target, self, [hasGoneOff, after]);
    return id;
  }});
  const forget = stop => new Proxy(stop, {apply(target, self, args) {
    due.delete(args[0]);
    return Reflect.apply(target, self, args);
  }});
  window.setTimeout = watchTimer(window.setTimeout, false);
  window.setInterval = watchTimer(window.setInterval, true);
  window.clearTimeout = forget(window.clearTimeout);
  window.clearInterval = forget(window.clearInterval);

  // What may send the page something: it is waited for from when it is opened or asked, until it
  // answers. One that was asked twice and did not (a chat, a counter of visits) has nothing to say.
  const ANSWERS_WITHIN = 3000;
  const asked = new Map();
  const watchSource = (name, ask) => {
    if (!window[name]) return;
    window[name] = new Proxy(window[name], {construct(target, args, made) {
      const source = Reflect.construct(target, args, made), at = source.port || source;
      let times = 0;
      const isAsked = () => {
        times += 1;
        if (times <= 3) asked.set(source, performance.now());
      };
      const hasAnswered = () => { asked.delete(source); times = 1; };
      for (const end of ["message", "error", "close"]) at.addEventListener(end, hasAnswered);
      if (ask) at[ask] = new Proxy(at[ask], {apply(send, self, given) {
        isAsked();
        return Reflect.apply(send, at, given);
      }});
      isAsked();
      return source;
    }});
  };
  watchSource("WebSocket", "send");
  watchSource("EventSource");
  watchSource("Worker", "postMessage");
  watchSource("SharedWorker", "postMessage");

  // Which parts of the page a script listens to, for a press or for a choice.
  const PRESSES = ["click", "mousedown", "mouseup", "pointerdown", "pointerup", "touchend"];
  const hearing = new WeakSet(), choosing = new WeakSet();
  EventTarget.prototype.addEventListener = new Proxy(EventTarget.prototype.addEventListener, {
    apply(target, self, args) {
      if (self instanceof Element && PRESSES.includes(args[0])) hearing.add(self);
      if (self instanceof Element && ["change", "input"].includes(args[0])) choosing.add(self);
      return Reflect.apply(target, self, args);
    },
  });

  // A script that takes itself out of the page has run all the same.
  let hasRun = false, changedAt = performance.now();
  const isOurs = record => record.type === "attributes"
    && record.attributeName.startsWith("data-redrive-");
  const note = records => {
    if (!records.every(isOurs)) changedAt = performance.now();
    hasRun = hasRun || records.some(
      record => [...record.addedNodes].some(part => part.localName === "script"));
  };
  const observer = new MutationObserver(note);
  const observe = root => observer.observe(root,
    {subtree: true, childList: true, characterData: true, attributes: true});
  const observeShadow = root => {
    shadows.add(root);
    observe(root);
  };
  observe(document);
  // What stands in a closed part of the page is shown, too: it is read like all others.
  Element.prototype.attachShadow = new Proxy(Element.prototype.attachShadow, {
    apply(target, self, [options, ...rest]) {
      const root = Reflect.apply(target, self, [{...options, mode: "open"}, ...rest]);
      observeShadow(root);
      return root;
    },
  });
  const upToNow = () => note(observer.takeRecords());

  // The page's own frames are a part of it.
  const inFrames = question => [...Array(frames.length).keys()].map(index => {
    try { return question(frames[index][NAME]); }
    catch { return 0; }  // another site's
  });
  const endsWithin = (animation, most) => {
    const left = animation.playState === "running" && animation.effect
      ? animation.effect.getComputedTiming().endTime - animation.currentTime : 0;
    return left > 0 && left < most;
  };
  const soon = most => {
    const now = performance.now();
    return [...due.values()].filter(at => at - now < most).length
      + [...asked.values()].filter(at => now - at < ANSWERS_WITHIN).length
      + document.getAnimations().filter(one => endsWithin(one, most)).length;
  };
  Object.defineProperty(window, NAME, {value: {
    due: seconds => inFrames(frame => frame.due(seconds)).reduce(
      (sum, count) => sum + count, soon(seconds * 1000)),
    hears: part => hearing.has(part),
    hearsChoice: part => choosing.has(part),
    renew,
    hasRun: () => { upToNow(); return hasRun; },
    // For how many seconds these roots have not changed: one is watched from when it is first seen.
    still: roots => {
      upToNow();
      const unwatched = roots.filter(root => root !== document && !shadows.has(root));
      unwatched.forEach(observeShadow);
      if (unwatched.length) changedAt = performance.now();
      return (performance.now() - changedAt) / 1000;
    },
  }});
})()
