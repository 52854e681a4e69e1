"""Keystone: projects, users, what they may do, and their own credentials. Data only."""

from __future__ import annotations

from .model import Change, Declaration, Field, MarkIn, Special, name, output

PROJECT = Declaration(
    type="openstack:identity/project:Project",
    service="identity",
    collection="/projects",
    singular="project",
    plural="projects",
    mark=MarkIn.TAGS,
    list_query=(("tags", "govcloud_op={key}"),),
    verb="PATCH",
    fields=(
        name(),
        Field("description", change=Change.UPDATE),
        Field("enabled", "flag", default=True, change=Change.UPDATE),
        Field("domainId", computed=True),
        Field("parentId", computed=True),
        Field("tags", "texts", unordered=True, change=Change.UPDATE),
    ),
)

USER = Declaration(
    type="openstack:identity/user:User",
    service="identity",
    collection="/users",
    singular="user",
    plural="users",
    mark=MarkIn.DESCRIPTION,
    list_query=(("name", "{name}"),),
    verb="PATCH",
    fields=(
        name(),
        Field("password", shown=None, secret=True, change=Change.UPDATE),
        Field("description", change=Change.UPDATE),
        Field("enabled", "flag", default=True, change=Change.UPDATE),
        Field("domainId", computed=True),
        Field("defaultProjectId", change=Change.UPDATE),
        Field(
            "ignoreChangePasswordUponFirstUse",
            "flag",
            api="options.ignore_change_password_upon_first_use",
            change=Change.UPDATE,
        ),
        Field("ignorePasswordExpiry", "flag", api="options.ignore_password_expiry", change=Change.UPDATE),
        Field(
            "ignoreLockoutFailureAttempts", "flag", api="options.ignore_lockout_failure_attempts", change=Change.UPDATE
        ),
    ),
)

ROLE_ASSIGNMENT = Declaration(
    type="openstack:identity/roleAssignment:RoleAssignment",
    service="identity",
    collection="/role_assignments",
    singular="",
    plural="role_assignments",
    mark=MarkIn.NOTHING,
    verb="",
    fields=(
        Field("roleId", required=True, shown=None),
        Field("projectId", shown=None),
        Field("domainId", shown=None),
        Field("userId", shown=None),
        Field("groupId", shown=None),
    ),
    needs_one=(("userId", "groupId"), ("projectId", "domainId")),
    special=Special(
        create="assign_role", find="find_role_assignment", read="read_role_assignment", delete="unassign_role"
    ),
)

APPLICATION_CREDENTIAL = Declaration(
    type="openstack:identity/applicationCredential:ApplicationCredential",
    service="identity",
    # Keystone lets nobody but the user make one: the login must be the user's own, with its password.
    collection="/users/{user}/application_credentials",
    singular="application_credential",
    plural="application_credentials",
    mark=MarkIn.DESCRIPTION,
    verb="",
    remade_without="secret",
    fields=(
        name(Change.REPLACE),
        Field("description"),
        Field("roles", "texts", sent=False, computed=True, unordered=True, shown=None),
        Field("secret", shown=None, computed=True, secret=True),
        Field("unrestricted", "flag", default=False),
        Field("expiresAt", shown=None),
        Field(
            "accessRules",
            "objects",
            unordered=True,
            shown=None,
            fields=(
                Field("path", required=True),
                Field("method", required=True),
                Field("service", required=True),
            ),
        ),
        output("projectId"),
    ),
    special=Special(body="application_credential_body", shown="application_credential_shown"),
)

DECLARATIONS = (PROJECT, USER, ROLE_ASSIGNMENT, APPLICATION_CREDENTIAL)
