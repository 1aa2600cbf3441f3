"""What schemathesis can't know of the services by their documents; it reads this file when it starts."""

import datetime
import os
import re
import unicodedata
import uuid

import requests
import schemathesis

AUTH_URL = os.environ.get("OPENAPI_AUTH_URL")
OWNER = {"name": os.environ.get("OPENAPI_OWNER"), "password": os.environ.get("OPENAPI_OWNER_PASSWORD")}
# The token with which each session was last seen in its account's list, by the session's id.
SEEN = {}
SESSIONS = requests.Session()
IN_NORMAL_FORM = ("name", "password", "newPassword")
CONDITIONAL = ("PATCH /v1/characters/{id}", "DELETE /v1/characters/{id}", "POST /v1/characters/{id}/restore")
NAMED = {"POST /v1/accounts": "b", "POST /v1/characters": "c", "PATCH /v1/characters/{id}": "d"}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """What is right all the same: False for that."""
    kind = type(failure).__name__
    label = case.operation.label
    if kind == "RejectedPositiveData":
        return not is_refusable(case, response)
    # RFC 6585 has a status of its own for it.
    if kind == "MissingHeaderNotRejected":
        return (failure.header_name.lower(), response.status_code) != ("if-match", 428)
    # A deletion is answered 202 and done days later; until then the character is there, to be restored.
    if kind == "UseAfterFree":
        # The ban of an account is lifted, and can be laid on it again.
        return label != "GET /v1/characters/{id}" and not label.endswith("/ban")
    return True


def is_refusable(case, response):
    """
    Whether this input, though of the right shape, may be refused: with 422; with 412, where it names another version than there is; and where it is judged by what a JSON schema can't
    say, or the tool does not know. Without this it would be a failure of "good input is accepted".
    """
    if response.status_code == 422:
        return True
    if response.status_code == 412:
        return case.operation.label in CONDITIONAL
    if response.status_code == 400 and has_header_of_another_form(case):
        return True
    body = case.body if isinstance(case.body, dict) else {}
    if response.status_code == 400 and is_over(body.get("until")):
        return True
    texts = [body[key] for key in IN_NORMAL_FORM if isinstance(body.get(key), str)]
    return response.status_code == 400 and not all(is_plain(text) for text in texts)


def is_over(time):
    """A ban that ends before it begins."""
    try:
        return datetime.datetime.fromisoformat(time) <= datetime.datetime.now(datetime.timezone.utc)
    except (TypeError, ValueError):
        return False


def has_header_of_another_form(case):
    """Where the tool finds no good value for an optional header, it takes a bad one (an If-Match of 0) and calls it good."""
    sent = {name.lower(): value for name, value in (case.headers or {}).items()}
    forms = {header.name.lower(): header.definition.get("schema", {}).get("pattern", "") for header in case.operation.headers}
    return any(name in sent and re.search(form, str(sent[name])) is None for name, form in forms.items())


def is_plain(text):
    """Names and passwords are judged in their compatibility-normal form; and among the tool's letters and marks are code points that nothing is assigned to."""
    return unicodedata.normalize("NFKC", text) == text and all(unicodedata.category(each) != "Cn" for each in text)


@schemathesis.hook
def map_body(context, body):
    """Most names of the right shape are refused (two scripts in one); of a name that can be had there are an account, its sessions and so on."""
    first = NAMED.get(context.operation.label)
    name = body.get("name") if isinstance(body, dict) else None
    if first is not None and isinstance(name, str) and re.fullmatch(r"[^\W_][\w-]{2,19}", name):
        return {**body, "name": first + uuid.uuid4().hex[:19]}
    return body


if AUTH_URL is not None:

    def login(account):
        answer = SESSIONS.post(f"{AUTH_URL}/v1/sessions", json=account, timeout=30)
        answer.raise_for_status()
        return answer.json()["accessToken"]

    @schemathesis.hook
    def after_call(context, case, response):
        """Whose sessions they are that were listed."""
        if case.operation.label == "GET /v1/sessions" and response.status_code == 200:
            token = dict(response.request.headers)["Authorization"].removeprefix("Bearer ")
            SEEN.clear()
            SEEN.update({session["id"]: token for session in response.json()["sessions"]})

    @schemathesis.auth(refresh_interval=None)
    class NewAccount:
        """
        Auth's own routes end sessions and delete accounts, so each request comes from an account of its own, and knows its password; what is for those who run the world comes from its owner,
        and what ends a session that was listed from whoever listed it.
        """

        def get(self, case, context):
            if case.path.startswith("/v1/admin/"):
                return login(OWNER), OWNER["password"]
            listed = SEEN.get((case.path_parameters or {}).get("id"))
            if listed is not None:
                return listed, ""
            account = {"name": f"a{uuid.uuid4().hex[:20]}", "password": uuid.uuid4().hex}
            SESSIONS.post(f"{AUTH_URL}/v1/accounts", json=account, timeout=30).raise_for_status()
            return login(account), account["password"]

        def set(self, case, data, context):
            token, password = data
            case.headers = case.headers or {}
            case.headers["Authorization"] = f"Bearer {token}"
            given = case.body.get("password") if isinstance(case.body, dict) else None
            if "/accounts/current/" in case.path and isinstance(given, str) and len(given) <= 512:
                case.body["password"] = password
