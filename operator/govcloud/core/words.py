"""Official Chinese words for what the API says in English. One word for one thing."""

TRANSITIONS_ZH = {
    "Provision": "开通试用",
    "ExtendTrial": "延长试用",
    "Promote": "转为正式环境",
    "Change": "变更",
    "MajorChange": "重大变更",
    "Suspend": "暂停",
    "Resume": "恢复",
    "Terminate": "终止",
    "TrialEnd": "试用到期停机",
}
