"""The audit log: what was done, by whom, for whom, why, and with which result; kept so that nobody changes it unseen.

Here live the record, the file format, the writer, the Merkle tree, the signed checkpoints, verifiers and queries.
Never here: what the controller decides, or any word of Kubernetes, OpenStack or Pulumi beyond their request ids.
"""
