"""NUL in a query or a form is no error of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from tests.jobs import JobMaker

ADDRESSES = [
    "/admin/imports/importresult/find/?q=%00",
    "/admin/imports/importresult/find/?q=a%00b&s=%00",
    "/admin/imports/importresult/?cause=%00",
    "/admin/imports/importresult/?q=%00",
    "/admin/imports/importjob/?q=%00",
    "/admin/imports/importjob/{job}/failures/?q=%00",
    "/admin/imports/importjob/{job}/failures/?cause=%00",
    "/admin/imports/importjob/{job}/failures/export/?as=csv&cause=%00",
    "/admin/imports/importjob/{job}/failures/?q=%ED%A0%80",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_query_with_nul_or_half_a_character_finds_nothing_and_breaks_nothing(
    address: str, admin_client: Client, make_job: JobMaker
) -> None:
    job = make_job(3)
    page = admin_client.get(address.format(job=job.pk))
    assert page.status_code < 500
