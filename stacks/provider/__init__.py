"""The Pulumi resource provider for OpenStack: package `openstack`, serving the types of `pulumi_openstack`.

`declarations/` says what each resource kind is (data), `crud.py` what is done with any of them, `handlers/` holds what
no declaration can say, `session.py` is the only way to OpenStack, `servicer.py` speaks to the engine. `schema.py`
answers the planner's questions without importing any of the heavy parts. Importing this package imports nothing else.
"""
