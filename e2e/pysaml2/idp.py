#!/usr/bin/python3
"""A SAML identity provider on pysaml2, with xmlsec1 underneath (Debian: python3-pysaml2, xmlsec1).

    idp.py --port 7000 --key idp.key --cert idp.crt --sp sp-metadata.xml

The person types a name, which becomes the NameID, and may choose how the answer is made:

    sign    response, assertion, both or none
    digest  sha1, sha256 or sha512, for signature and digest
    encrypt no, aes128-cbc, aes256-cbc, aes256-gcm or tripledes-cbc (what pysaml2 does by itself), with the key of the
            service provider's metadata

Routes: /metadata, /sso (redirect and POST binding), /sign-in, /unsolicited?sp=ENTITY (IdP-initiated), /slo (redirect).
"""
import argparse
import functools
import html
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import saml2.entity
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import AUTHN_PASSWORD_PROTECTED, NAMEID_FORMAT_UNSPECIFIED, NameID
from saml2.server import Server
from saml2.sigver import pre_encryption_part
from saml2.time_util import in_a_while

ALGORITHMS = {
    "sha1": ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"),
    "sha256": ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"),
    "sha512": ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha512"),
}
ENCRYPTIONS = {  # algorithm and xmlsec1's name for the session key
    "tripledes-cbc": ("http://www.w3.org/2001/04/xmlenc#tripledes-cbc", "des-192"),
    "aes128-cbc": ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "aes-128"),
    "aes256-cbc": ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "aes-256"),
    "aes256-gcm": ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "aes-256"),
}
FORM = """<!doctype html><html lang="en"><title>pysaml2 identity provider</title><form method="post" action="/sign-in">
<label>Name <input name="user" required></label>
<label>Sign <input name="sign" value="both"></label> <label>Digest <input name="digest" value="sha256"></label>
<label>Encrypt <input name="encrypt" value="no"></label>
<input type="hidden" name="request_id" value="{request_id}"><input type="hidden" name="sp" value="{sp}">
<input type="hidden" name="acs" value="{acs}"><input type="hidden" name="relay_state" value="{relay_state}">
<button type="submit">Sign in</button></form>"""


def make_server(options):
    base = f"http://localhost:{options.port}"
    settings = {
        "entityid": f"{base}/metadata",
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "key_file": options.key,
        "cert_file": options.cert,
        "metadata": {"local": [options.sp]},
        "service": {
            "idp": {
                "endpoints": {
                    "single_sign_on_service": [(f"{base}/sso", BINDING_HTTP_REDIRECT), (f"{base}/sso", BINDING_HTTP_POST)],
                    "single_logout_service": [(f"{base}/slo", BINDING_HTTP_REDIRECT)],
                },
                "name_id_format": [NAMEID_FORMAT_UNSPECIFIED],
                "policy": {"default": {"lifetime": {"minutes": 15}, "attribute_restrictions": None}},
                "want_authn_requests_signed": False,
            }
        },
    }
    return Server(config=IdPConfig().load(settings))


def choose_encryption(idp, name):
    """pysaml2 7.0 has no setting for the algorithm."""
    algorithm, session_key = ENCRYPTIONS[name]
    saml2.entity.pre_encryption_part = functools.partial(pre_encryption_part, msg_enc=algorithm)
    idp.sec.encrypt_assertion = functools.partial(type(idp.sec).encrypt_assertion, idp.sec, key_type=session_key)


class Handler(BaseHTTPRequestHandler):
    idp = None  # set before serving
    lock = threading.Lock()  # pysaml2 is not made for threads

    def do_GET(self):
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.answer(url.path, asked, BINDING_HTTP_REDIRECT)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        self.answer(urlsplit(self.path).path, asked, BINDING_HTTP_POST)

    def answer(self, path, asked, binding):
        routes = {"/metadata": self.metadata, "/sso": self.sso, "/sign-in": self.sign_in,
                  "/unsolicited": self.unsolicited, "/slo": self.slo}
        route = routes.get(path)
        if route is None:
            return self.reply(404, "not here")
        try:
            with self.lock:
                route(asked, binding)
        except Exception as error:  # a test must see what went wrong
            self.reply(500, html.escape(repr(error)))
            raise

    def reply(self, status, text, kind="text/html; charset=utf-8", **headers):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def metadata(self, asked, binding):
        self.reply(200, str(entity_descriptor(self.idp.config)), "application/samlmetadata+xml")

    def sso(self, asked, binding):
        request = self.idp.parse_authn_request(asked["SAMLRequest"], binding)
        args = self.idp.response_args(request.message)
        self.form(args["in_response_to"], args["sp_entity_id"], args["destination"], asked.get("RelayState", ""))

    def unsolicited(self, asked, binding):
        acs = self.idp.metadata.assertion_consumer_service(asked["sp"], BINDING_HTTP_POST)[0]["location"]
        self.form("", asked["sp"], acs, asked.get("relay_state", ""))

    def form(self, request_id, sp, acs, relay_state):
        values = {"request_id": request_id, "sp": sp, "acs": acs, "relay_state": relay_state}
        self.reply(200, FORM.format(**{name: html.escape(value) for name, value in values.items()}))

    def sign_in(self, asked, binding):
        user, sign, encrypt = asked["user"], asked.get("sign", "both"), asked.get("encrypt", "no")
        if encrypt != "no":
            choose_encryption(self.idp, encrypt)
        signature, digest = ALGORITHMS[asked.get("digest", "sha256")]
        response = self.idp.create_authn_response(
            identity={"givenName": ["Given"], "sn": ["Family"], "mail": [user]},
            in_response_to=asked.get("request_id") or None,
            destination=asked["acs"], sp_entity_id=asked["sp"],
            name_id=NameID(format=NAMEID_FORMAT_UNSPECIFIED, text=user),
            authn={"class_ref": AUTHN_PASSWORD_PROTECTED, "authn_auth": self.idp.config.entityid},
            sign_response=sign in ("response", "both"), sign_assertion=sign in ("assertion", "both"),
            encrypt_assertion=encrypt != "no", encrypt_assertion_self_contained=True,
            sign_alg=signature, digest_alg=digest, session_not_on_or_after=in_a_while(hours=8))
        sent = self.idp.apply_binding(BINDING_HTTP_POST, str(response), asked["acs"], asked.get("relay_state", ""), response=True)
        self.reply(200, sent["data"])

    def slo(self, asked, binding):
        request = self.idp.parse_logout_request(asked["SAMLRequest"], binding)
        response = self.idp.create_logout_response(request.message, [BINDING_HTTP_REDIRECT], sign=False)
        back = self.idp.metadata.single_logout_service(request.message.issuer.text, BINDING_HTTP_REDIRECT, "spsso")[0]
        sent = self.idp.apply_binding(BINDING_HTTP_REDIRECT, str(response), back.get("response_location") or back["location"],
                                      asked.get("RelayState", ""), response=True, sign=True)
        self.reply(303, "", **dict(sent["headers"]))


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--port", type=int, required=True)
    for name in ("key", "cert", "sp"):
        words.add_argument("--" + name, required=True)
    options = words.parse_args()
    Handler.idp = make_server(options)
    ThreadingHTTPServer(("127.0.0.1", options.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
