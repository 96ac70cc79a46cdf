#!/usr/bin/python3
"""Provisions the directory of a lab domain controller:
provision.py <69|87> <DNS name of the forest's root> <options of samba-tool domain provision>.

The number is the objectVersion of the schema: 69 is Windows Server 2012 R2, 87 is Windows Server 2016. Samba before 4.19
does not offer the latter by name, though its package installs Microsoft's schema files for it; they are registered here.

A realm that is not the root becomes a child domain of it. Samba would make one by joining a running root; here the
configuration and the schema are made at the root's name, as a join would leave them.
"""
import sys

import ldb
import samba.provision
from samba import dn_from_dns_name
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


def below_root(root_dn, domain_dn):
    guess_names = samba.provision.guess_names
    read_and_sub_file = samba.provision.common.read_and_sub_file

    def guess_names_below_root(*values, **named):
        return guess_names(*values, **dict(named, rootdn=root_dn))

    # Samba's own files place some of the configuration below the domain.
    def read_and_sub_file_below_root(*values, **named):
        text = read_and_sub_file(*values, **named)
        return text.replace("CN=Configuration," + domain_dn, "CN=Configuration," + root_dn)

    samba.provision.guess_names = guess_names_below_root
    samba.provision.common.read_and_sub_file = read_and_sub_file_below_root


def option_value(name, options):
    return next(text[len(name) + 1:] for text in options if text.startswith(name + "="))


def modify(samdb, dn, attribute, value):
    message = ldb.Message(ldb.Dn(samdb, dn))
    message[attribute] = ldb.MessageElement(value, ldb.FLAG_MOD_ADD, attribute)
    samdb.modify(message)


def complete(options, root):
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

    if realm.lower() != root:
        name = root.split(".")[0].upper()
        message = {
            "dn": "CN=%s,CN=Partitions,%s" % (name, samdb.get_config_basedn()),
            "objectClass": "crossRef",
            "nCName": dn_from_dns_name(root),
            "nETBIOSName": name,
            "dnsRoot": root,
            "systemFlags": "3",
        }
        # The root itself is not there to be referred to.
        samdb.add(message, ["relax:0"])


def main():
    version, root, options = sys.argv[1], sys.argv[2], sys.argv[3:]
    offer_schema_2016()
    below_root(dn_from_dns_name(root), dn_from_dns_name(option_value("--realm", options).lower()))
    command = cmd_domain_provision()
    failed = command._run("provision", "--base-schema=" + BASE_SCHEMAS[version], *options)
    if failed:
        sys.exit(failed)
    complete(options, root)


if __name__ == "__main__":
    main()
