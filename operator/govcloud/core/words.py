"""Official Chinese words for what the API says in English. One word for one thing."""

TRANSITIONS_ZH = {
    "Provision": "开通试用",
    "ExtendTrial": "延长试用",
    "Promote": "转为正式环境",
    "Change": "变更",
    "MajorChange": "重大变更",
    "Suspend": "暂停",
    "Resume": "恢复",
    "Restore": "数据恢复",
    "Terminate": "终止",
    "TrialEnd": "试用到期停机",
}

RESOURCES = {
    "openstack:blockstorage/volume:Volume": ("云硬盘", "volume"),
    "openstack:compute/instance:Instance": ("云服务器", "server"),
    "openstack:compute/keypair:Keypair": ("SSH 密钥", "key pair"),
    "openstack:compute/serverGroup:ServerGroup": ("服务器组", "server group"),
    "openstack:compute/volumeAttach:VolumeAttach": ("云硬盘挂载", "volume attachment"),
    "openstack:database/instance:Instance": ("云数据库", "database"),
    "openstack:identity/roleAssignment:RoleAssignment": ("角色授予", "role assignment"),
    "openstack:identity/user:User": ("访问用户", "user"),
    "openstack:loadbalancer/listener:Listener": ("负载均衡监听", "listener"),
    "openstack:loadbalancer/loadBalancer:LoadBalancer": ("负载均衡", "load balancer"),
    "openstack:loadbalancer/members:Members": ("负载均衡后端", "members of a pool"),
    "openstack:loadbalancer/monitor:Monitor": ("健康检查", "health monitor"),
    "openstack:loadbalancer/pool:Pool": ("后端服务器池", "pool"),
    "openstack:networking/floatingIp:FloatingIp": ("浮动 IP", "floating IP"),
    "openstack:networking/network:Network": ("网络", "network"),
    "openstack:networking/port:Port": ("网络端口", "port"),
    "openstack:networking/router:Router": ("路由器", "router"),
    "openstack:networking/routerInterface:RouterInterface": ("路由器接口", "router interface"),
    "openstack:networking/secGroup:SecGroup": ("安全组", "security group"),
    "openstack:networking/secGroupRule:SecGroupRule": ("安全组规则", "security group rule"),
    "openstack:networking/subnet:Subnet": ("子网", "subnet"),
    "openstack:objectstorage/container:Container": ("对象存储容器", "container"),
    "openstack:sharedfilesystem/share:Share": ("文件存储", "file share"),
    "openstack:sharedfilesystem/shareAccess:ShareAccess": ("文件存储访问规则", "access rule of a file share"),
    "openstack:sharedfilesystem/shareNetwork:ShareNetwork": ("文件存储网络", "share network"),
}
"""Type of a resource -> what officials call it, in Chinese and in English. A type that is not here is told by its token."""

REPLICA = ("云数据库只读副本", "read-only replica")
"""A database instance that holds nothing but what the one has that it follows."""
