#!/usr/bin/python3
"""Provisions the directory of a lab domain controller: provision.py <69|87> <options of samba-tool domain provision>.

The number is the objectVersion of the schema: 69 is Windows Server 2012 R2, 87 is Windows Server 2016. Samba before 4.19
does not offer the latter by name, though its package installs Microsoft's schema files for it; they are registered here.
"""
import sys

import ldb
from samba.auth import system_session
from samba.netcmd.domain import cmd_domain_provision
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.schema import Schema

BASE_SCHEMAS = {"69": "2012_R2", "87": "2016"}


def offer_schema_2016():
    if "2016" in Schema.base_schemas:
        return
    Schema.base_schemas["2016"] = (
        "AD_DS_Attributes__Windows_Server_2016.ldf",
        "AD_DS_Classes__Windows_Server_2016.ldf",
        87,
    )
    for option in cmd_domain_provision.takes_options:
        if "--base-schema" in option._long_opts:
            option.choices = list(Schema.base_schemas)


def option_value(name, options):
    return next(text[len(name) + 1:] for text in options if text.startswith(name + "="))


def modify(samdb, dn, attribute, value):
    message = ldb.Message(ldb.Dn(samdb, dn))
    message[attribute] = ldb.MessageElement(value, ldb.FLAG_MOD_ADD, attribute)
    samdb.modify(message)


def complete(options):
    folder = option_value("--targetdir", options)
    host = option_value("--host-name", options)
    realm = option_value("--realm", options)
    lp = LoadParm()
    lp.load(folder + "/etc/smb.conf")
    lp.set("dsdb:schema update allowed", "yes")
    samdb = SamDB(url=folder + "/private/sam.ldb", lp=lp, session_info=system_session(lp))

    # Microsoft's 2016 files name the back link in no class, and Samba then refuses a link that points at its own object.
    schema = samdb.get_schema_basedn()
    if samdb.search(schema, ldb.SCOPE_ONELEVEL, "(lDAPDisplayName=msDS-KeyCredentialLink-BL)", ["cn"]):
        modify(samdb, "CN=Top,%s" % schema, "mayContain", "msDS-KeyCredentialLink-BL")

    # The service that would register the principal of the LDAP service does not run in the lab.
    account = samdb.search(
        samdb.domain_dn(), ldb.SCOPE_SUBTREE, "(sAMAccountName=%s$)" % host.upper(), ["servicePrincipalName"]
    )[0]
    principal = "ldap/%s.%s" % (host, realm.lower())
    if principal not in [str(name) for name in account.get("servicePrincipalName", [])]:
        modify(samdb, str(account.dn), "servicePrincipalName", principal)


def main():
    version, options = sys.argv[1], sys.argv[2:]
    offer_schema_2016()
    command = cmd_domain_provision()
    failed = command._run("provision", "--base-schema=" + BASE_SCHEMAS[version], *options)
    if failed:
        sys.exit(failed)
    complete(options)


if __name__ == "__main__":
    main()
