"""Every page of the admin, by name: for whoever looks at all of them, counts or times them.

`{job}` and its like stand for ids; `at` puts them in.
"""

from __future__ import annotations

ADMIN = "/admin/"

# Home, the lists and the forms.
OF_ADMIN = {
    "home": "",
    "jobs": "imports/importjob/",
    "new_import": "imports/importjob/add/",
    "results": "imports/importresult/",
    "find": "imports/importresult/find/?q=500000",
    "batches": "imports/importbatch/",
    "attempts": "imports/attempt/",
    "apis": "imports/customerapi/",
    "api": "imports/customerapi/{api}/change/",
    "templates": "imports/recordtemplate/",
    "channels": "imports/channel/",
    "channel": "imports/channel/add/",
    "notifications": "imports/notificationdelivery/",
    "group": "auth/group/{group}/change/",
    "user": "auth/user/{user}/change/",
    "queue": "queue/",
    "portals": "bills/portal/",
    "portal": "bills/portal/{portal}/change/",
    "bills": "bills/bill/",
}
# The forms that begin empty, and what each person has of her own.
OF_FORMS = {
    "api_new": "imports/customerapi/add/",
    "template_new": "imports/recordtemplate/add/",
    "portal_new": "bills/portal/add/",
    "portal_test": "bills/portal/{portal}/test/",
    "recorder": "bills/portal/{portal}/record/",
    "recorder_paste": "bills/portal/record/paste/",
    "bills_new": "bills/portal/new-job/",
    "users": "auth/user/",
    "user_new": "auth/user/add/",
    "groups": "auth/group/",
    "password": "password_change/",
    "two_factor": "two-factor/",
    "erase": "imports/importresult/erase/",
    "watched_folders": "imports/watchedfolder/",
    "watched_folder_new": "imports/watchedfolder/add/",
    "record_templates": "imports/recordtemplate/",
    "accounts": "bills/credential/",
    "account_new": "bills/credential/add/",
    "schedules": "bills/schedule/",
    "schedule_new": "bills/schedule/add/",
    "deliveries": "bills/billdelivery/",
    "destinations": "bills/destination/",
    "destination_new": "bills/destination/add/",
}
TABS = ("progress", "failures", "files", "settings", "retry-files", "log")
TABS_OF_BILLS = ("progress", "failures", "credentials", "bills", "settings", "retry-files", "log")

# Parts of pages, and what only people with their hands on the address bar see.
PARTS = {
    "home_live": "imports/importjob/home/",
    "command": "search/?s=50000",
    "jobs_searched_by_name": "imports/importjob/?q=import",
    "jobs_searched_by_customer": "imports/importjob/?q={customer}",
    "jobs_filtered": "imports/importjob/?status=finished&kind=customers&api={api}",
    "bills_searched": "bills/bill/?q={account}",
    "bills_filtered": "bills/bill/?portal__id__exact={portal}",
}
OF_RECORDS = {
    "record": "imports/importresult/{result}/change/",
    "fix": "imports/importresult/{result}/fix/",
    "find_one": "imports/importresult/find/?q={customer}",
    "find_by_email": "imports/importresult/find/?q={email}",
    "find_nobody": "imports/importresult/find/?q=nobody@example.com",
    "batch": "imports/importbatch/{batch}/change/",
    "attempt": "imports/attempt/{attempt}/change/",
    "results_last_page": "imports/importresult/?p={last_page}",
    "results_searched": "imports/importresult/?q={customer}",
    "results_by_beginning": "imports/importresult/?q=500",
    "results_of_job": "imports/importresult/?job={job}",
    "results_pending": "imports/importresult/?status=pending",
    "results_success": "imports/importresult/?status=success",
    "results_error": "imports/importresult/?status=error",
    "results_unknown_of_job": "imports/importresult/?status=unknown&job={job}",
    "results_code": "imports/importresult/?code=HTTP_422",
    "results_code_of_job": "imports/importresult/?code=HTTP_422&job={job}",
    "results_http": "imports/importresult/?http=422",
    "results_http_of_job": "imports/importresult/?http=422&job={job}",
    "batches_of_job": "imports/importbatch/?job={job}",
    "batches_failed": "imports/importbatch/?status=failed",
    "batches_pending": "imports/importbatch/?status=pending&job={job}",
    "batches_code": "imports/importbatch/?code=HTTP_422",
    "batches_http": "imports/importbatch/?http=422&job={job}",
    "batches_searched": "imports/importbatch/?q={customer}",
    "attempts_of_job": "imports/attempt/?job={job}",
    "attempts_verdict": "imports/attempt/?verdict=rejected",
    "attempts_code": "imports/attempt/?code=HTTP_422&job={job}",
    "attempts_http": "imports/attempt/?http=422",
}
OF_JOB = {
    **{f"job_{tab}": f"imports/importjob/{{job}}/{tab}/" for tab in TABS},
    "job_live": "imports/importjob/{job}/progress/live/?tab=progress&was=",
    "failures_later": "imports/importjob/{job}/failures/?page=2",
    "failures_error": "imports/importjob/{job}/failures/?status=error",
    "failures_cause": "imports/importjob/{job}/failures/?cause={cause}",
    "failures_searched": "imports/importjob/{job}/failures/?q={customer}",
    "exclude": "imports/importjob/{job}/failures/exclude/?which=all",
    "exclude_cause": "imports/importjob/{job}/failures/exclude/?which=cause&cause={cause}",
    "decide": "imports/importjob/{job}/failures/decide/?which=all",
    "log_earlier": "imports/importjob/{job}/log/?show=all&page=2",
    "retry_progress": "imports/importjob/{retry}/progress/",
    "retry_failures": "imports/importjob/{retry}/failures/",
    "realtime": "imports/importjob/{job}/realtime/",
}
OF_BILLS = {
    **{f"bills_{tab}": f"imports/importjob/{{bills}}/{tab}/" for tab in TABS_OF_BILLS},
    "bills_panel": "imports/importjob/{bills}/credentials/panel/",
    "credentials_failed": "imports/importjob/{bills}/credentials/?status=error",
    "credentials_searched": "imports/importjob/{bills}/credentials/?q={account}",
    "bills_credential": "imports/importjob/{bills}/credentials/one/?id={credential}",
    "bills_realtime": "imports/importjob/{bills}/realtime/",
}
# What has all of a job's rows in it, sent while it is read.
STREAMS = {
    "details": "imports/importjob/{job}/details/",
    "bills_details": "imports/importjob/{bills}/details/",
    "export_results": "imports/importjob/{job}/progress/export/?what=results&as=csv",
    "export_attempts": "imports/importjob/{job}/progress/export/?what=attempts&as=csv",
    "export_failures": "imports/importjob/{job}/failures/export/?as=xlsx",
    "export_list": "imports/importresult/export/csv/?job={job}",
    "export_credentials": "imports/importjob/{bills}/credentials/csv/",
}
EVERY = OF_ADMIN | OF_FORMS | PARTS | OF_RECORDS | OF_JOB | OF_BILLS


def at(path: str, ids: dict[str, object]) -> str:
    """The address of a page on its host."""
    return ADMIN + path.format(**ids)
