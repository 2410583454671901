"""Names of the demo district: sites, teams, themes, projects, drives. Persons are invented from common names."""

__all__ = [
    "APPEALS",
    "DETACHMENTS",
    "DRIVES",
    "EIGHT",
    "GIVEN",
    "INSTITUTES",
    "NEEDS",
    "PROJECTS",
    "REWARDS",
    "SERVICE_POINTS",
    "STATIONS",
    "SURNAMES",
    "TEAM_WORK",
    "THEMES",
]

# Seven institutes: six streets and one township.
INSTITUTES = (
    ("中山街道新时代文明实践所", "township"),
    ("北山街道新时代文明实践所", "township"),
    ("南山街道新时代文明实践所", "township"),
    ("东山街道新时代文明实践所", "township"),
    ("中心街道新时代文明实践所", "township"),
    ("西山街道新时代文明实践所", "township"),
    ("长胜乡新时代文明实践所", "township"),
)

# Eighteen stations, each with the index of its institute. The first four are named in the report.
STATIONS = (
    ("惠民社区", 0),
    ("东湖社区", 3),
    ("通达社区", 4),
    ("东升社区", 3),
    ("中山社区", 0),
    ("振兴社区", 0),
    ("北山社区", 1),
    ("向阳社区", 1),
    ("矿山社区", 1),
    ("南山社区", 2),
    ("青山社区", 2),
    ("和平社区", 4),
    ("中心社区", 4),
    ("西山社区", 5),
    ("新立社区", 5),
    ("长胜村", 6),
    ("红旗村", 6),
    ("七一村", 6),
)

# "8+5": thirteen professional detachments, each with its owning department; the first eight are every district's.
DETACHMENTS = {
    "理论宣讲": "区委宣传部",
    "文化文艺": "区文体广电局",
    "助学支教": "区教育局",
    "医疗健身": "区卫生健康局",
    "科学普及": "区科学技术协会",
    "法律服务": "区司法局",
    "卫生环保": "区住房和城乡建设局",
    "扶贫帮困": "区民政局",
    "文明交通": "区公安分局",
    "文明旅游": "区文旅局",
    "青年志愿": "团区委",
    "巾帼志愿": "区妇女联合会",
    "应急救援": "区应急管理局",
}
EIGHT = 8

# Windows and scenic spots of the convenience circle: name, index of the site above, index of the team on duty.
SERVICE_POINTS = (
    ("政务服务大厅志愿服务点", 0, 6),
    ("火车站候车室志愿服务点", 1, 9),
    ("区医院门诊志愿服务点", 5, 4),
    ("东湖公园志愿服务点", 9, 10),
    ("人民广场志愿服务点", 8, 7),
    ("长胜乡集市志愿服务点", 7, 8),
)

# The needs that teams answer, by the word in their name: code, Chinese, English.
NEEDS = {
    "助老": ("elder-care", "助老", "Care for the elderly"),
    "理发": ("haircut", "理发", "Haircuts"),
    "代买代办": ("errands", "代买代办", "Errands"),
    "红纽带": ("company", "陪伴关爱", "Company"),
    "环境清洁": ("cleaning", "环境清洁", "Cleaning"),
    "邻里调解": ("mediation", "邻里调解", "Mediation"),
    "晨光问候": ("morning-call", "晨光问候", "Morning calls"),
    "课后托管": ("after-school", "课后托管", "After-school care"),
    "防诈宣传": ("fraud-advice", "防诈宣传", "Advice on fraud"),
    "文艺": ("culture", "文艺", "Culture"),
}

# Twenty-eight teams answer a need of the residents of one institute or station each.
TEAM_WORK = ("助老", "理发", "代买代办", "红纽带", "环境清洁", "邻里调解", "晨光问候", "课后托管", "防诈宣传", "文艺")

# The first four are the report's; with the pillar that the report groups them by.
THEMES = (
    ("佳节尚文明志愿关爱行", "共享化"),
    ("夕阳别样红", "亮单化"),
    ("踏寻雷锋足迹弘扬时代新风", "制度化"),
    ("创城有我志愿先行", "精准化"),
    ("晨光问候", "亮单化"),
    ("文明交通劝导", "制度化"),
    ("文明旅游", "共享化"),
    ("文明餐桌", "共享化"),
    ("唱响雷锋之歌", "共享化"),
    ("微光成炬助老为老", "亮单化"),
    ("特别的爱给特别的你", "亮单化"),
    ("安康桑榆", "亮单化"),
    ("红纽带", "亮单化"),
    ("义务理发", "精准化"),
    ("生日陪伴", "精准化"),
    ("困难家庭走访", "精准化"),
    ("义诊进社区", "精准化"),
    ("法律咨询", "精准化"),
    ("政策宣讲", "制度化"),
    ("反诈宣传", "制度化"),
    ("消防安全", "制度化"),
    ("清雪除冰", "共享化"),
    ("垃圾分类", "共享化"),
    ("绿色家园", "共享化"),
    ("书香岭东", "共享化"),
    ("课后托管", "精准化"),
    ("心理陪伴", "精准化"),
    ("邻里调解", "制度化"),
    ("代买代办", "精准化"),
    ("家电义修", "精准化"),
    ("送戏下乡", "共享化"),
    ("春节送福", "共享化"),
    ("元宵灯会服务", "共享化"),
    ("学雷锋月", "制度化"),
    ("关爱残疾人", "精准化"),
    ("拥军优属", "制度化"),
    ("健康讲座", "精准化"),
)

PROJECTS = (
    ("微光成炬助老为老", "亮单化", ()),
    (
        "晨光问候",
        "亮单化",
        (("首届全省志愿服务项目大赛创意奖(东湖社区站《晨光问候关心关爱》)", "黑龙江省", 2023, "creative"),),
    ),
    ("特别的爱给特别的你", "亮单化", ()),
    ("安康桑榆", "亮单化", ()),
    ("红纽带", "亮单化", ()),
    ("居家养老", "亮单化", (("2023年度全省“五个100”优秀志愿服务项目(通达社区)", "黑龙江省", 2023, "project"),)),
    ("雷锋主题社区", "制度化", (("2023年度全省“五个100”优秀志愿服务社区(东升社区)", "黑龙江省", 2023, "community"),)),
)

# At least twenty drives over squares, enterprises and residential compounds.
DRIVES = (
    ("square", "人民广场"),
    ("square", "劳动广场"),
    ("square", "东湖公园广场"),
    ("square", "火车站前广场"),
    ("square", "文化广场"),
    ("square", "中山市场前"),
    ("square", "长胜乡集市"),
    ("square", "政务大厅前"),
    ("enterprise", "岭东煤矿"),
    ("enterprise", "热电厂"),
    ("enterprise", "粮油公司"),
    ("enterprise", "建材厂"),
    ("enterprise", "物业公司"),
    ("enterprise", "区医院"),
    ("compound", "惠民小区"),
    ("compound", "东湖家园"),
    ("compound", "通达小区"),
    ("compound", "东升小区"),
    ("compound", "和平里"),
    ("compound", "青山嘉园"),
    ("compound", "矿工新村"),
    ("compound", "向阳小区"),
)

APPEALS = (
    "迎新春志愿服务倡议书",
    "除冰扫雪志愿服务倡议书",
    "关爱独居老人倡议书",
    "文明交通志愿者招募",
    "学雷锋纪念日倡议书",
    "创建文明城市志愿者招募",
)

REWARDS = (
    ("志愿红围巾", 20, 800),
    ("保温杯", 30, 600),
    ("理发券", 15, 900),
    ("米面礼包", 40, 500),
    ("体检套餐", 60, 300),
)

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛"
    "叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔"
    "贺赖龚文"
)
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国志文斌婷雪梅鑫宇博浩然子涵欣怡佳宁春生"
    "海波立新凤琴淑珍长江永福德山晓东小雨思远"
)
