"""Column contracts: what each KIND of file may carry, under which headings, and what its coded values are called.

Pure data and the two foldings that compare headings and words. The reading of a cell is `checks`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from core.rules.circular import INPUTS

Type = Literal[
    "id",          # a number or code that is text: folded, blanks inside removed
    "diag",        # an ICD-10 code
    "diags",       # a list of them
    "oprn",        # an ICD-9-CM-3 code
    "oprns",       # a list of them
    "oprn_rule",   # operations joined by the catalogue's own signs, kept
    "diag_rule",   # the same of diagnoses, prefixes and ranges among them
    "condition",   # a comparison in the step language
    "either",      # a diagnosis, an operation or a disease group's code: told apart by its shape
    "dip",         # a disease group's code
    "list",        # a list of any codes
    "text",        # words for people: trimmed
    "person",      # stored as a keyed hash only
    "private",     # read past, never stored
    "code",        # an integer code, or one of `words`
    "word",        # one of `words`, by its own name or another
    "named",       # one of `words`, or PREFIX:NAME
    "int",         # a count, not negative
    "money",       # yuan with at most two decimals -> fen
    "decimal",     # an exact decimal, as plain text
    "date",        # a day
    "time",        # a day, perhaps with a time
    "year", "month", "period",  # YYYY, YYYYMM, either
    "step",        # a step id of the clearing
]
INTEGERS = frozenset({"code", "int", "money", "year"})


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    required: the file must have it and every row a value. strict: an unreadable value refuses the row
    (always so when required or key). key: part of the natural key. default: what an empty cell of a key stands for.
    aliases: headings beside the name itself, folded when compared. words: spelled value -> stored value.
    stored: the column in the table, where it is called otherwise.
    """

    name: str
    type: Type = "text"
    required: bool = False
    strict: bool = False
    key: bool = False
    default: str | None = None
    aliases: tuple[str, ...] = ()
    words: Mapping[str, str | int] = field(default_factory=dict[str, "str | int"])
    stored: str = ""
    low: int = 0
    high: int = 10**15
    signed: bool = False

    @property
    def column(self) -> str:
        return self.stored or self.name

    @property
    def refuses(self) -> bool:
        return self.required or self.strict or self.key


@dataclass(frozen=True, slots=True)
class Kind:
    """One KIND. `key`: the columns of the table that make a row unique."""

    name: str
    table: str
    columns: tuple[Field, ...]
    key: tuple[str, ...]

    def field(self, name: str) -> Field | None:
        return next((column for column in self.columns if column.name == name), None)


_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】|<[^<>]*>")
_NOISE = re.compile(r"[\s\x00*★﻿\"'“”:：]+")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xA0: 0x20}


def folded(text: str) -> str:
    """Full-width letters, digits and punctuation to their ASCII forms."""
    return text if text.isascii() else text.translate(_WIDE)


@lru_cache(maxsize=4096)  # the same headings are held against every kind
def heading_forms(heading: str) -> tuple[str, str]:
    """A heading ready to compare: whole, and without what stands in brackets."""
    whole = _NOISE.sub("", folded(heading)).lower()
    return whole, _BRACKETS.sub("", whole) or whole


def in_wan(heading: str) -> bool:
    """Whether the heading says that its amounts are in 万元."""
    return "万元" in heading


def word(text: str) -> str:
    """A spelled value ready to compare."""
    return _NOISE.sub("", folded(text)).lower()


def _words(**groups: str) -> dict[str, str]:
    """name=`other name|other name` -> every spelling to the name."""
    into: dict[str, str] = {}
    for name, others in groups.items():
        into[name] = name
        into.update((word(other), name) for other in others.split("|") if other)
    return into


def _codes(text: str) -> dict[str, str | int]:
    """`310 职工 职工基本医疗保险; 390 居民` -> spelling to integer."""
    into: dict[str, str | int] = {}
    for entry in text.split(";"):
        code, *names = entry.split()
        into.update((word(name), int(code)) for name in names)
    return into


FUND = _words(
    employee="职工|职工医保|城镇职工|职工基本医疗保险|城镇职工基本医疗保险|职工基金|职工统筹|310|510|城职|城职保",
    resident="居民|居民医保|城乡居民|城乡居民医保|居民基本医疗保险|城乡居民基本医疗保险|居民基金|居民统筹|390|城居|城居保",
)
FUND_OR_ALL = FUND | _words(all="全部|不分|不分基金|不分险种|两险|合并|职工居民|所有")
INSUTYPE = _codes(
    "310 职工 职工医保 职工基本医疗保险 城镇职工 城镇职工基本医疗保险; 320 公务员补助 公务员医疗补助; "
    "330 大额补助 大额医疗费用补助; 340 离休 离休人员医疗保障; 390 居民 居民医保 城乡居民 居民基本医疗保险 "
    "城乡居民医保 城乡居民基本医疗保险; 392 居民大病 城乡居民大病医疗保险 大病保险; 510 生育 生育保险"
)
MED_TYPE = _codes(
    "11 普通门诊; 12 挂号 门诊挂号; 13 急诊; 14 门诊慢特病; 21 普通住院 住院; 22 外伤住院; 23 转外诊治住院; 24 急诊转住院; "
    "41 购药 定点药店购药; 51 生育门诊; 52 生育住院; 53 计生 计划生育手术费; 91 其他门诊; 92 其他住院; 93 其他购药; 99 地方扩展"
)
HI_PAYMTD = _codes(
    "1 项目 按项目 按项目付费; 2 单病种 按单病种 按单病种付费; 3 按病种分值 按病种分值付费 病种分值 dip dip付费; "
    "4 drg 按疾病诊断相关分组 按drg付费 疾病诊断相关分组drg 疾病诊断相关分组; 5 床日 按床日 按床日付费; 6 人次 按人次; "
    "7 定额 按定额; 9 其他 其它"
)
GRADE = _codes(
    "1 三特 三级特等; 2 三甲 三级甲等; 3 三乙 三级乙等; 4 三丙 三级丙等; 5 二甲 二级甲等; 6 二乙 二级乙等; 7 二丙 二级丙等; "
    "8 一甲 一级甲等; 9 一乙 一级乙等; 10 一丙 一级丙等; 11 无等级 未定级 未评级 无级别 未定等级; "
    "12 三级无等 三级无等级 三级未定等 三级 三级未定级; 13 二级无等 二级无等级 二级未定等 二级 二级未定级; "
    "14 一级无等 一级无等级 一级未定等 一级 一级未定级"
)
YES_NO = _codes("0 否 无 n no false 未上传 失败 未退费; 1 是 有 y yes true 已上传 成功 已退费")
_ITEMS = _words(
    dip_budget="dip预算|住院dip|住院dip预算|dip总额预算|dip预结算预算|dip预结算预算总额|dip预结算总额|dip住院预算|按病种分值付费预算|住院dip总额",
    dip_topup="dip追加|追加|追加预算|dip追加预算|dip增补|年中追加|dip调增",
    outside_card="异地联网|异地联网结算|异地联网住院|住院刷卡|联网结算|异地直接结算|全省联网住院刷卡|异地就医联网结算|异地联网住院刷卡",
    outside_manual="手工报销|零星报销|异地零星报销|住院报销|手工零星报销|异地手工报销|住院手工报销",
    outpatient="普通门诊|普通门诊统筹|门诊统筹|门诊",
    chronic="门诊慢特病|慢特病|门诊慢性病|门诊特殊病种",
    alliance="医共体|医共体打包|医联体|区域打包|医共体总额",
    reserve="预留|预留金|风险金|风险金储备|风险储备|调剂金|风险调剂金|预留调剂金",
) | {"other": "other:", "其他": "other:", "其它": "other:", "income": "income:", "收入": "income:"}
_PARTS = _words(base="基本系数|基础系数|等级系数|级别系数|基本|基础|机构系数|医疗机构系数|机构等级系数") | {
    "bonus": "bonus:", "加成": "bonus:", "加成系数": "bonus:", "deduction": "deduction:",
    "扣减": "deduction:", "扣减系数": "deduction:",
}
_GROUP_KINDS = _words(
    core="核心|核心病种|核心病组|核心组", composite="综合|综合病种|综合病组|综合组",
    primary_care="基层|基层病种|基层病组", tcm="中医|中医优势|中医优势病种|中医病种",
    bed_day="床日|床日病种|按床日", day_case="日间|日间病种|日间手术|日间病组",
)
_ATTRIBUTES = _words(
    conservative="保守|保守治疗|内科|内科诊疗|内科诊疗组|bszl",
    diagnostic="诊断|诊断性|诊断性操作|诊断性操作组|zdxcz",
    therapeutic="治疗|治疗性|治疗性操作|治疗性操作组|zlxcz",
    surgery="手术|相关手术|相关手术组|手术组|ss",
)
_INTERVENTION = _ATTRIBUTES | _words(intervention="介入|介入治疗|介入操作")
_STAGES = _words(
    pre="先期|先期分组|先期病组|先期病种|预分组", merged="并项|并项病种|并项病组|并项分组|合并病种",
    assisted="诊断辅助|辅助细分|诊断辅助细分|诊断辅助病种|辅助诊断细分|诊断辅助分组", basic="基本|基本规则|基本病种|基本病组|基本分组|基础病种",
)
_EXCLUDED = _words(
    diagnosis="诊断|疾病|主要诊断|疾病诊断|不作主要诊断|不能作为主要诊断|无效主要诊断|无效诊断",
    operation="操作|手术|手术操作|手术及操作|不参与分组手术操作|不参与分组|无效手术操作|无效操作",
)
_SYSTEMS = _words(
    diagnosis="诊断|疾病|疾病诊断|icd10|icd-10|诊断编码", operation="操作|手术|手术操作|手术及操作|icd9|icd-9|icd-9-cm-3|icd9cm3|手术操作编码",
    group="病种|病组|dip|dip病种|病种编码",
)
_BANDS = _words(
    age="年龄|年龄特征", icu_days="icu|icu天数|重症监护天数|监护天数", severity="严重程度|疾病严重程度|病情严重程度",
    tumour="肿瘤|肿瘤严重程度|恶性肿瘤|tumor", cci="cci指数|合并症指数|查尔森指数",
)
_PAYMENTS = _words(
    advance="预付|预付金|预拨|周转金|预付款|年初预拨",
    monthly="月结|月度结算|月结算|月预结|月预结算|月度预结算|月拨付|按月结算",
    retention="质保金|质量保证金|服务质量保证金|预留质保金|质量保障金",
)
_DEDUCTIONS = _words(
    audit="审核扣减|审核扣款|审核|审核扣除|智能审核扣款", violation="违规|违规扣款|违规扣减|违规金额|违规处理",
    refund="自查退回|退回|退款|自查自纠|自查自纠退回|退还",
)
_DECISIONS = _words(
    by_item="按项目|按项目付费|按项目结算", adjusted="调整|调整分值|特例调整|核定分值|通过|同意",
    rejected="驳回|不予通过|不通过|不同意|不予|未通过",
)
# Headings of official sheets that name a step of the common chain.
STEPS = _words(
    budget="预算|预算总额|dip预算|dip预算总额|dip预结算预算总额", outside_card="异地联网|住院刷卡|异地联网支出",
    outside_manual="手工报销|零星报销|住院报销",
    by_item="按项目付费金额|按项目|按项目支付|按项目支付合计", fund_available="可分配基金|可用基金|dip可分配基金",
    score_total="总分值合计|全市总分值|区域总分值|年度总分值", point_value="点值|结算点值|分值单价|分值点值", residual="尾差|结余差额|轧差|分配余差",
    cases="病例数|例数|结算人次|结算例数", base_score="基础分值|病种分值合计|基准分值", score="总分值|分值|年度分值|机构总分值",
    coefficient="系数|机构系数|医疗机构系数|结算系数", total_cost="医疗总费用|总费用|医疗费总额|费用总额",
    booked="统筹记账|统筹记账金额|医保记账|记账金额|统筹基金记账|统筹基金支出", own_pay="个人自付|个人支付|个人负担|个人负担总金额",
    other_pay="其他基金|其他基金支付|其他基金支出", gross="分值总价|分值总额|dip总额|结算总额", due="dip应付|统筹应支付|应付|应支付|dip应支付",
    surplus="结余|超支|结余/超支|结余超支|超支/结余", after_share="分担后|分担后金额|结余留用后|分担后应付", assessment="考核系数|考核|绩效考核系数",
    after_assessment="考核后|考核后金额|考核后应付", audit_deduction="审核扣减|审核扣款", violation="违规扣款|违规扣减|违规",
    retention="质保金|质量保证金|质保金预留", retention_return="质保金返还|质量保证金返还|返还质保金",
    monthly_paid="月预结合计|月结合计|已月结|月度已拨付|月结已付", advance="周转金|预付金|预付|周转金（预付金）",
    final="清算应拨|清算金额|应拨|应退|清算应拨/应退|清算应拨（应退）|清算应拨付|应拨付",
)
# What an official sheet may have under a step's own id without there being words for it.
_STEP_IDS = INPUTS["region"] | INPUTS["institution"]
_STEPS_IN_YUAN = frozenset(STEPS.values()) - {
    "score_total", "cases", "base_score", "score", "coefficient", "assessment", "point_value"}


# Every one that is known before any pack is looked at.
STEP_IDS = frozenset(STEPS.values()) | _STEP_IDS


def step_in_yuan(step: str) -> bool:
    """Whether 万元 in a heading can apply to the step: points, counts and ratios have no yuan."""
    return step in _STEPS_IN_YUAN


_CODE_NAMES = (
    "定点医药机构编号", "定点医药机构编码", "定点医药机构代码", "定点医疗机构编号", "定点医疗机构编码", "定点医疗机构代码", "医药机构编号",
    "医药机构编码", "医疗机构编号", "医疗机构编码", "医疗机构代码", "机构编码", "机构编号", "机构代码", "医院编码", "医院编号", "医院代码",
    "定点机构编号", "定点机构编码", "fixmedins", "hosp_code", "org_code", "国家机构编码", "医保机构编码",
)
_NAME_NAMES = (
    "定点医药机构名称", "定点医疗机构名称", "医药机构名称", "医疗机构名称", "机构名称", "医院名称", "定点机构名称", "医疗机构", "机构", "医院", "hosp_name",
)
_FUND_NAMES = ("基金", "险种", "险种类型", "基金类型", "医保类型", "参保类型", "insutype", "基金险种", "险种类别")
_YEAR_NAMES = ("年度", "年份", "年", "清算年度", "结算年度", "预算年度", "考核年度", "所属年度")
_AMOUNT_NAMES = ("金额", "金额合计", "预算金额", "数额", "拨付金额", "扣减金额", "扣款金额", "支付金额", "预算数", "拨付额")
_PERIOD_NAMES = ("期间", "结算期", "月份", "结算年月", "年月", "期号", "结算月份", "结算期间", "所属期", "结算月度", "setl_ym", "清算年月", "账期")
_SETL_NAMES = ("结算ID", "结算id号", "结算流水号", "结算编号", "结算单号", "结算单id", "医保结算id", "医保结算流水号", "结算序号", "结算标识", "settle_id")
_DIP_NAMES = ("DIP病种编码", "病种编码", "病种代码", "DIP病种代码", "DIP编码", "病组编码", "病组代码", "DIP分组编码", "病种id", "dip_dise_grp_code", "DIP组编码")
_DIP_TITLES = ("DIP病种名称", "病种名称", "病组名称", "DIP名称", "DIP分组名称", "dip_dise_grp_name", "DIP组名称")

_CODE = Field("fixmedins_code", "id", required=True, key=True, aliases=_CODE_NAMES)
_NAME_OUT = Field("fixmedins_name", "text", aliases=_NAME_NAMES, stored="-")
_FUND = Field("fund", "word", required=True, key=True, words=FUND, aliases=_FUND_NAMES)
_YEAR = Field("year", "year", required=True, key=True, aliases=_YEAR_NAMES)
_AMOUNT = Field("amount", "money", required=True, signed=True, aliases=_AMOUNT_NAMES)
_PERIOD = Field("period", "period", required=True, key=True, aliases=_PERIOD_NAMES)
_SETL = Field("setl_id", "id", required=True, key=True, aliases=_SETL_NAMES)
_DIP = Field("dip_code", "dip", required=True, key=True, aliases=_DIP_NAMES)
_VERSION = Field("version", "text", key=True, aliases=("版本", "目录版本", "版本号", "病种目录版本"))
_DOCUMENT = ("文件", "文号", "依据文件", "文件号", "依据", "文件依据", "来源文件")
_PRIVATE = (
    Field("psn_name", "private", aliases=("人员姓名", "姓名", "患者姓名", "病人姓名", "参保人姓名", "参保人员姓名")),
    Field("certno", "private", aliases=(
        "证件号码", "身份证号", "身份证号码", "证件号", "公民身份号码", "患者证件号码", "身份证", "社会保障号码", "社会保障号", "社保卡号", "联系电话",
        "电话", "手机号", "手机号码", "家庭住址", "住址", "现住址", "联系人", "联系人姓名", "tel", "addr", "coner_name", "coner_tel", "curr_addr")),
)


def _money(name: str, *aliases: str, required: bool = False, strict: bool = False) -> Field:
    return Field(name, "money", required=required, strict=strict, signed=True, aliases=aliases)


_CASES = Kind("cases", "cases", (
    _SETL,
    Field("init_setl_id", "id", aliases=("原结算ID", "原结算流水号", "初始结算ID", "被冲销结算ID", "冲销原结算ID", "原始结算ID")),
    Field("mdtrt_id", "id", aliases=("就诊ID", "就诊流水号", "就诊编号", "住院流水号", "就诊号")),
    Field("medcasno", "id", aliases=("病案号", "病历号", "住院号", "住院/门诊号", "病案号码", "ipt_otp_no")),
    Field("psn_no", "person", aliases=("人员编号", "个人编号", "参保人编号", "医保编号", "个人编码", "人员编码", "参保人员编号"), stored="person"),
    *_PRIVATE,
    Field("insutype", "code", required=True, words=INSUTYPE, aliases=("险种类型", "险种", "险种类别", "医保类型", "参保险种", "险种类型代码", "险种代码")),
    Field("med_type", "code", strict=True, words=MED_TYPE, aliases=("医疗类别", "就医类别", "医疗类型", "就诊类别", "医疗类别代码")),
    Field("clr_type", "code", words=_codes("11 门诊; 21 住院; 41 购药; 99 其他"), aliases=("清算类别", "清算类型")),
    Field("hi_paymtd", "code", strict=True, words=HI_PAYMTD, aliases=("医保支付方式", "支付方式", "付费方式", "医保付费方式", "结算方式")),
    _CODE, _NAME_OUT,
    Field("insu_admdvs", "id", aliases=(
        "参保所属医保区划", "参保地", "参保区划", "参保地医保区划", "参保地区划", "参保所属区划", "参保地行政区划", "参保地编码", "统筹区编码", "参保统筹区")),
    Field("dept", "text", aliases=("出院科室", "科室", "出院科别", "科室名称", "出院科室名称", "dscg_caty", "就诊科室", "住院科室")),
    Field("doctor", "text", aliases=("医生", "主治医师", "主诊医师", "主管医生", "医师", "主治医生", "医师姓名", "主诊医生", "责任医师", "chfpdr_name")),
    Field("gend", "code", words=_codes("1 男 男性; 2 女 女性; 9 未说明 未说明的性别; 0 未知 未知的性别"), aliases=("性别", "性别代码")),
    Field("brdy", "date", aliases=("出生日期", "出生年月日", "生日", "出生年月", "出生时间")),
    Field("age", "int", high=150, aliases=("年龄", "年龄岁", "就诊年龄", "周岁", "患者年龄")),
    Field("nwb_age", "int", high=400, aliases=("新生儿年龄", "天龄", "新生儿天龄", "不足周岁年龄", "年龄天", "日龄", "新生儿日龄", "年龄不足1周岁年龄天")),
    Field("nwb_bir_wt", "list", aliases=("新生儿出生体重", "出生体重", "新生儿体重", "新生儿出生体重g")),
    Field("adm_time", "time", aliases=("入院时间", "入院日期", "住院日期", "入院日", "入院年月日", "开始日期", "begntime")),
    Field("dscg_time", "time", required=True, aliases=("出院时间", "出院日期", "出院日", "出院年月日", "endtime")),
    Field("setl_time", "time", strict=True, aliases=("结算时间", "结算日期", "结算日", "费用结算时间", "结算年月日", "setl_date")),
    Field("act_ipt_days", "int", high=20000, aliases=("实际住院天数", "住院天数", "住院日数", "实际住院日", "住院床日", "ipt_days")),
    Field("dscg_way", "code", words=_codes(
        "1 医嘱离院 治愈; 2 医嘱转院 转院; 3 医嘱转社区卫生服务机构/乡镇卫生院 转社区/乡镇 转社区 医嘱转社区; 4 非医嘱离院 非医嘱 自动离院; 5 死亡; 9 其他 其它"),
        aliases=("离院方式", "出院方式", "离院方式代码", "出院情况")),
    Field("diag_code", "diag", required=True, aliases=(
        "主要诊断代码", "主要诊断编码", "主诊断编码", "主诊断代码", "出院主要诊断编码", "出院主要诊断代码", "主要诊断疾病代码", "出院主诊断编码", "主诊断icd编码", "疾病编码",
        "出院诊断编码", "诊断编码", "诊断代码", "主要诊断icd10编码", "dscg_maindiag_code", "主要诊断医保版编码", "主诊编码")),
    Field("diag_name", "text", aliases=("主要诊断名称", "主诊断", "主诊断名称", "主要诊断", "出院主要诊断", "出院主要诊断名称", "出院诊断名称", "诊断名称", "dscg_maindiag_name", "主诊名称")),
    Field("oth_diag_codes", "diags", aliases=("其他诊断代码", "其他诊断编码", "次要诊断编码", "次要诊断代码", "其他诊断", "其它诊断编码", "其它诊断代码", "次要诊断", "其他诊断编码列表", "次诊断编码")),
    Field("oprn_code", "oprn", aliases=(
        "主要手术操作代码", "主要手术操作编码", "主要手术编码", "主要手术代码", "主手术编码", "主手术代码", "手术操作代码", "手术操作编码", "手术编码", "主要手术及操作编码", "主要手术及操作代码",
        "主要操作编码", "主要操作代码", "手术及操作编码", "手术代码", "oprn_oprt_code", "主手术操作编码")),
    Field("oprn_name", "text", aliases=("主要手术操作名称", "主要手术名称", "手术名称", "手术操作名称", "主手术名称", "主要手术及操作名称", "手术及操作"), stored="-"),
    Field("oth_oprn_codes", "oprns", aliases=("其他手术操作代码", "其他手术操作编码", "其他手术编码", "其他手术代码", "次要手术编码", "其他手术及操作编码", "其它手术编码", "其他操作编码", "次要手术操作编码")),
    _money("medfee_sumamt", "医疗费总额", "医疗总费用", "总费用", "费用总额", "住院总费用", "实际发生总费用", "医疗费用总额", "医疗费用总金额", "住院费用总额", "发生总费用", "医疗费合计", "医疗费总金额", "住院费用", "费用合计", "total_fee", required=True),
    _money("fund_pay_sumamt", "基金支付总额", "医保基金支付总额", "基金支付合计", "医保支付总额", "基金支付总金额", "医保基金支付", "基金支付", strict=True),
    _money("hifp_pay", "基本医疗保险统筹基金支出", "统筹基金支出", "统筹基金支付", "统筹支付", "医保记账费用", "统筹记账", "基本医疗保险统筹基金支付", "基本统筹支付", "统筹金额", "统筹基金", "基本医疗统筹支付金额", "统筹基金支付金额", "统筹支出", "记账金额", "医保统筹支付", required=True),
    _money("hifes_pay", "企业补充医疗保险基金支出", "企业补充", "补充医疗保险基金支出"),
    _money("hifmi_pay", "居民大病保险资金支出", "大病保险资金支出", "大病保险", "大病保险支出", "城乡居民大病保险支出", "大病支付"),
    _money("hifob_pay", "职工大额医疗费用补助基金支出", "大额医疗费用补助", "大额补助", "大额补助支出", "大额支付", "大额医疗补助"),
    _money("cvlserv_pay", "公务员医疗补助资金支出", "公务员补助", "公务员医疗补助", "公务员支付"),
    _money("maf_pay", "医疗救助基金支出", "医疗救助", "医疗救助支出", "救助支付", "救助金额"),
    _money("oth_pay", "其他支出", "其他基金支出", "其他基金支付", "其它支出", "其他支付"),
    _money("hosp_part_amt", "医院负担金额", "医院负担", "医疗机构负担金额", "院方负担"),
    _money("psn_part_amt", "个人负担总金额", "个人负担金额", "个人负担", "个人支付", "个人支付总额", "个人负担合计", "个人自付总额", "个人承担总额", "个人支付总金额", strict=True),
    _money("acct_pay", "个人账户支出", "个人账户支付", "账户支付", "个账支付", "个人账户", "个人帐户支出", "个人帐户支付"),
    _money("psn_cash_pay", "个人现金支出", "现金支付", "个人现金支付", "现金支出", "现金"),
    _money("psn_ownpay", "全自费金额", "自费金额", "个人自费", "全自费", "自费", "个人自费金额", "fulamt_ownpay_amt"),
    _money("excluded_fee", "剔除费用", "不计入费用", "剔除金额", "特需费用", "三新项目除外", "除外费用", "病种外费用"),
    _money("drug_fee", "药品费", "药费", "药品费用", "西药费合计", "药品总费用"),
    _money("consumable_fee", "耗材费", "卫生材料费", "材料费", "耗材费用", "医用耗材费", "卫材费"),
    _money("therapy_fee", "治疗费", "治疗费用"),
    _money("tcm_fee", "中医费用", "中医治疗费", "中医药费用", "中医费", "中医类费用"),
    Field("icu_days", "int", high=20000, aliases=("ICU天数", "重症监护天数", "监护天数", "icu住院天数", "重症天数")),
    Field("refd_setl_flag", "code", strict=True, high=1, words=YES_NO, aliases=("退费结算标志", "退费标志", "冲销标志", "退费结算标识", "退费标识", "退款标志")),
    Field("vali_flag", "code", strict=True, high=1, words=YES_NO | _codes("1 有效; 0 无效"), aliases=("有效标志", "有效标识", "数据有效标志")),
    Field("dip_dise_grp_code", "dip", aliases=("DIP病种编码", "病种编码", "DIP病种代码", "病种代码", "病组编码", "DIP编码", "dip_code", "DIP分组编码", "DIP组编码", "病组代码")),
    Field("dip_dise_grp_name", "text", aliases=("DIP病种名称", "病种名称", "病组名称", "DIP名称", "DIP分组名称", "dip_name", "DIP组名称")),
    Field("grp_dise_sco", "decimal", aliases=("病种分值", "病组分值", "分值", "标准分值", "DIP分值", "病种基准分值")),
    Field("asst_list_detl", "list", aliases=("辅助目录明细", "辅助目录", "辅助目录详情", "辅助分型", "辅助目录内容")),
    Field("official_score", "decimal", aliases=("最终分值", "结算分值", "官方分值", "清算分值", "病例分值", "病例最终分值")),
    Field("official_pay", "money", signed=True, aliases=("官方支付金额", "DIP支付金额", "DIP结算金额", "病例结算金额", "DIP应付金额", "DIP支付标准", "清算支付金额")),
), ("setl_id", "sign"))

_KINDS = (
    Kind("institutions", "institution", (
        _CODE,
        Field("fixmedins_name", "text", required=True, aliases=_NAME_NAMES),
        Field("hosp_lv", "code", required=True, low=1, high=14, words=GRADE, aliases=(
            "医院等级", "等级", "机构等级", "医疗机构等级", "医院级别等级", "医院等次", "机构级别", "级别", "fixmedins_lv", "医疗机构级别", "级别等次")),
        Field("hi_setl_lv", "code", low=1, high=3, words=_codes("1 一级 一级及以下; 2 二级; 3 三级"), aliases=("医保结算等级", "结算等级", "医保结算级别", "结算级别")),
        Field("category", "text", aliases=("机构类别", "类别", "机构类型", "医疗机构类别", "类型")),
        Field("county", "text", aliases=("县区", "区县", "所属区县", "县市区", "所在县区", "所属县区", "地区", "所在区县")),
        Field("ownership", "text", aliases=("所有制", "经营性质", "所有制形式", "性质", "办医性质", "公立民营")),
        Field("beds_authorised", "int", aliases=("核定床位", "编制床位", "核定床位数", "编制床位数", "批准床位")),
        Field("beds_open", "int", aliases=("开放床位", "实有床位", "开放床位数", "实际开放床位", "实际开放床位数", "实有床位数")),
        Field("credit", "word", words=_words(A="a级", B="b级", C="c级", D="d级", E="e级") | {x.lower(): x for x in "ABCDE"},
              aliases=("信用等级", "信用", "信用评级", "信用评价等级")),
        Field("alliance", "text", aliases=("医共体", "医联体", "所属医共体", "医共体名称", "紧密型医共体", "总医院")),
    ), ("fixmedins_code",)),
    _CASES,
    Kind("diagnoses", "diagnosis", (
        _SETL, *_PRIVATE,
        Field("ord", "int", key=True, aliases=("序号", "诊断序号", "诊断排序", "顺序号", "diag_srt_no", "排序", "诊断顺序")),
        Field("diag_type", "code", words=_codes("1 西医 西医诊断 西医主要诊断; 2 中医主病 中医主病诊断; 3 中医主证 中医主证诊断"), aliases=("诊断类别", "诊断类型")),
        Field("diag_code", "diag", required=True, aliases=("诊断代码", "诊断编码", "疾病编码", "疾病代码", "icd编码", "诊断icd编码")),
        Field("diag_name", "text", aliases=("诊断名称", "疾病名称", "诊断")),
        Field("maindiag_flag", "code", high=1, words=YES_NO | _codes("1 主要诊断 主诊断; 0 其他诊断 次要诊断"), aliases=("主诊断标志", "主要诊断标志", "主诊断标识", "是否主诊断", "主要诊断标识", "是否主要诊断")),
        Field("adm_cond_type", "code", words=_codes("1 有 有明确; 2 临床未确定; 3 情况不明; 4 无"), aliases=("入院病情", "入院病情类型", "adm_cond")),
    ), ("setl_id", "ord")),
    Kind("operations_done", "operation_done", (
        _SETL, *_PRIVATE,
        Field("ord", "int", key=True, aliases=("序号", "手术序号", "手术操作序号", "顺序号", "排序", "oprn_srt_no", "手术顺序")),
        Field("oprn_oprt_type", "code", words=_codes("1 主要手术 主要 主要手术操作 主手术 主要手术及操作; 2 其他手术 其他 其他手术操作 次要 其他手术及操作"), aliases=(
            "手术操作类别", "手术类别", "手术操作类型", "手术类型", "主手术标志", "type")),
        Field("oprn_oprt_code", "oprn", required=True, aliases=("手术操作代码", "手术操作编码", "手术编码", "手术代码", "oprn_code", "手术及操作编码", "操作编码", "操作代码", "手术及操作代码")),
        Field("oprn_oprt_name", "text", aliases=("手术操作名称", "手术名称", "oprn_name", "手术及操作名称", "操作名称")),
        Field("oprn_oprt_date", "time", aliases=("手术操作日期", "手术日期", "手术操作时间", "手术时间", "操作日期")),
        Field("anst_way", "id", aliases=("麻醉方式", "麻醉方法", "麻醉方式代码")),
    ), ("setl_id", "ord")),
    Kind("groups", "case_group", (
        _SETL, *_PRIVATE,
        Field("grp_stas", "code", high=1, words=YES_NO | _codes("1 入组 已入组 分组成功; 0 未入组 分组失败"), aliases=("分组状态", "入组状态", "是否入组")),
        Field("dip_dise_grp_code", "dip", aliases=(*_DIP_NAMES, "dip_code")),
        Field("dip_dise_grp_name", "text", aliases=(*_DIP_TITLES, "dip_name")),
        Field("grp_diag_code", "diag", aliases=("分组诊断代码", "分组诊断编码", "入组诊断编码", "入组诊断代码")),
        Field("grp_diag_name", "text", aliases=("分组诊断名称", "入组诊断名称")),
        Field("oprn_grp_code", "oprns", aliases=("分组手术代码", "分组手术编码", "手术分组编码", "入组手术编码", "手术操作分组编码", "手术操作分组代码")),
        Field("oprn_grp_name", "text", aliases=("分组手术名称", "手术分组名称", "入组手术名称", "手术操作分组名称")),
        Field("dise_list_type", "id", aliases=("病种目录类型", "目录类型", "病种类型")),
        Field("asst_list_flag", "id", aliases=("辅助目录标志", "辅助目录标识")),
        Field("asst_list_detl", "list", aliases=("辅助目录明细", "辅助目录", "辅助目录详情")),
        Field("grp_dise_sco", "decimal", aliases=("病种分值", "病组分值", "分值", "分组病种分值")),
        Field("nuld_flag", "code", high=1, words=_codes("0 已上传; 1 未上传"), aliases=("未上传标志", "未上传标识")),
        Field("remarks", "text", aliases=("备注", "说明")),
    ), ("setl_id",)),
    Kind("catalogue", "catalogue", (
        _VERSION,
        Field("year", "year", required=True, aliases=_YEAR_NAMES),
        _DIP,
        Field("dip_name", "text", required=True, aliases=_DIP_TITLES),
        Field("kind", "word", required=True, words=_GROUP_KINDS, aliases=("病种类型", "病种类别", "类型", "类别", "目录类型", "病组类型")),
        Field("diag_code", "diag_rule", aliases=("主要诊断代码", "诊断代码", "主诊断编码", "诊断编码", "主要诊断编码", "疾病编码", "dx")),
        Field("oprn_code", "oprn_rule", aliases=("主要操作代码", "主要手术操作代码", "手术操作代码", "操作代码", "手术编码", "手术操作编码", "主要操作编码", "主要手术操作编码", "操作编码", "px")),
        Field("rel_oprn_code", "oprn_rule", aliases=("相关操作代码", "相关手术操作代码", "相关操作编码", "相关手术操作编码", "相关手术编码", "rpx")),
        Field("attribute", "word", words=_ATTRIBUTES, aliases=("治疗方式", "操作属性", "治疗属性", "属性", "诊疗方式", "治疗方式属性")),
        Field("score", "decimal", required=True, aliases=("分值", "病种分值", "基准分值", "标准分值", "rw", "grp_dise_sco")),
        Field("mean_fee", "money", aliases=("例均费用", "次均费用", "平均费用", "均次费用", "病种均费", "病种次均费用", "费用均值", "均费")),
        Field("mean_days", "decimal", aliases=("平均住院日", "平均住院天数", "例均住院日", "例均天数", "次均住院日")),
        Field("coef_3", "decimal", aliases=("三级系数", "三级医院系数", "三级医疗机构系数", "三级")),
        Field("coef_2", "decimal", aliases=("二级系数", "二级医院系数", "二级医疗机构系数", "二级")),
        Field("coef_1", "decimal", aliases=("一级系数", "一级医院系数", "一级医疗机构系数", "一级")),
        Field("primary_care", "code", high=1, words=YES_NO, aliases=("基层病种", "是否基层病种", "基层病种标志", "基层病种标识")),
        Field("stage", "word", words=_STAGES, aliases=("分组层级", "分组阶段", "病种层级", "分组步骤", "入组阶段", "分组规则", "病组层级")),
        Field("oth_diag_code", "diag_rule", strict=True, aliases=(
            "其他诊断代码", "其他诊断编码", "其它诊断代码", "其它诊断编码", "次要诊断代码", "次要诊断编码", "辅助诊断代码", "辅助诊断编码", "其他诊断条件")),
        Field("condition", "condition", strict=True, aliases=("入组条件", "附加条件", "分组条件", "限定条件", "条件", "细分条件")),
        Field("equal_to", "dip", aliases=("同分值病种", "同效病种", "等价病种", "同病同效病种", "对应西医病种", "对应病种编码", "同分值病种编码", "中西医同效病种")),
        Field("drug_score", "decimal", aliases=("药品分值", "药费分值", "药品费用分值")),
        Field("consumable_score", "decimal", aliases=("耗材分值", "材料分值", "耗材费用分值", "卫材分值")),
        Field("cases", "int", aliases=("病例数", "例数", "病例数量", "历史病例数", "人次")),
        Field("cv", "decimal", aliases=("变异系数", "费用变异系数", "CV值", "离散系数", "组内变异系数")),
    ), ("version", "dip_code")),
    Kind("exclusions", "exclusion", (
        _VERSION,
        Field("year", "year", required=True, aliases=_YEAR_NAMES),
        Field("list", "word", required=True, key=True, words=_EXCLUDED, aliases=("清单", "清单类型", "排除清单", "类别", "类型", "名单", "编码类型", "清单类别")),
        Field("code", "either", required=True, key=True, aliases=("编码", "代码", "排除编码", "无效编码", "排除代码", "诊断或操作编码", "无效代码")),
        Field("note", "text", aliases=("备注", "说明", "原因", "排除原因", "名称", "编码名称")),
    ), ("version", "list", "code")),
    Kind("code_maps", "code_map", (
        Field("system", "word", required=True, key=True, words=_SYSTEMS, aliases=("编码体系", "体系", "编码类型", "编码类别", "对照类型", "类别", "类型")),
        Field("from_edition", "text", key=True, default="", aliases=("原版本", "旧版本", "来源版本", "原编码版本", "原目录版本", "旧目录版本")),
        Field("from_code", "either", required=True, key=True, aliases=("原编码", "旧编码", "来源编码", "原代码", "旧代码", "原病种编码", "旧病种编码")),
        Field("to_edition", "text", key=True, default="", aliases=("新版本", "目标版本", "对应版本", "新编码版本", "新目录版本", "现版本")),
        Field("to_code", "either", required=True, key=True, aliases=("新编码", "对应编码", "目标编码", "新代码", "目标代码", "现编码", "新病种编码")),
        Field("note", "text", aliases=("备注", "说明", "对照说明")),
    ), ("system", "from_edition", "from_code", "to_edition", "to_code")),
    Kind("auxiliary", "auxiliary", (
        _VERSION,
        Field("year", "year", required=True, aliases=_YEAR_NAMES),
        _DIP,
        Field("type", "word", required=True, key=True, words=_BANDS, aliases=("辅助类型", "类型", "辅助目录类型", "分型类型", "类别")),
        Field("band", "id", required=True, key=True, aliases=("分档", "档次", "级别", "分型", "档", "区间", "分级")),
        Field("factor", "decimal", required=True, aliases=("系数", "校正系数", "辅助系数", "调整系数", "辅助目录系数", "调节系数")),
        Field("mean_fee", "money", aliases=("例均费用", "次均费用", "平均费用", "均次费用")),
        Field("dip_name", "text", aliases=_DIP_TITLES, stored="-"),
    ), ("version", "dip_code", "type", "band")),
    Kind("operations", "operation", (
        Field("oprn_code", "oprn", required=True, key=True, aliases=("手术操作代码", "手术操作编码", "操作代码", "操作编码", "手术编码", "手术代码", "编码", "代码", "code")),
        Field("oprn_name", "text", aliases=("手术操作名称", "操作名称", "手术名称", "名称", "name")),
        Field("attribute", "word", words=_INTERVENTION, aliases=("属性", "操作属性", "类别", "治疗方式", "操作类别", "手术操作类别", "手术操作属性")),
        Field("level", "id", aliases=("级别", "手术级别", "等级", "手术等级")),
    ), ("oprn_code",)),
    Kind("reference_means", "reference_mean", (
        _YEAR, _DIP,
        Field("level", "word", required=True, key=True, words=_words(all="全部|不分级别|全市|所有|不分|合计") | {
            "1": "1", "2": "2", "3": "3", "一级": "1", "二级": "2", "三级": "3", "01": "1", "02": "2", "03": "3",
            "一级及以下": "1", "一": "1", "二": "2", "三": "3"}, aliases=("级别", "机构级别", "医院级别", "等级", "hi_setl_lv", "机构等级", "医疗机构级别")),
        Field("fund", "word", key=True, default="all", words=FUND_OR_ALL, aliases=_FUND_NAMES),
        Field("mean_fee", "money", required=True, aliases=("例均费用", "次均费用", "平均费用", "均次费用", "均费", "费用均值", "同级别均费")),
        Field("cases", "int", aliases=("病例数", "例数", "人次", "出院人次")),
        Field("dip_name", "text", aliases=_DIP_TITLES, stored="-"),
    ), ("year", "dip_code", "level", "fund")),
    Kind("coefficients", "coefficient", (
        _CODE, _NAME_OUT,
        Field("fund", "word", key=True, default="all", words=FUND_OR_ALL, aliases=_FUND_NAMES),
        Field("part", "named", required=True, key=True, words=_PARTS, aliases=("系数类型", "系数项", "系数类别", "类型", "项目", "系数名称", "系数项目", "构成")),
        Field("value", "decimal", required=True, aliases=("系数", "系数值", "数值", "值")),
        Field("valid_from", "date", key=True, default="", aliases=("生效日期", "起始日期", "执行日期", "开始日期", "生效时间", "执行时间")),
        Field("basis", "text", default="", aliases=("依据", "文件", "说明", "文号", "来源", "依据文件")),
    ), ("set_name", "fixmedins_code", "fund", "part", "valid_from")),
    Kind("budget", "budget", (
        _YEAR, _FUND,
        Field("item", "named", required=True, key=True, words=_ITEMS, aliases=("项目", "预算项目", "科目", "预算科目", "收支项目", "项目名称")),
        _AMOUNT,
        Field("date", "date", key=True, default="", aliases=("日期", "下达日期", "文件日期", "调整日期", "发文日期")),
        Field("document", "text", key=True, default="", aliases=_DOCUMENT),
    ), ("year", "fund", "item", "document", "date")),
    Kind("payments", "payment", (
        _CODE, _NAME_OUT, _FUND, _PERIOD,
        Field("kind", "word", required=True, key=True, words=_PAYMENTS, aliases=("类型", "支付类型", "拨付类型", "类别", "款项类型", "款项", "项目", "拨付类别")),
        _AMOUNT,
    ), ("fixmedins_code", "fund", "period", "kind")),
    Kind("deductions", "deduction", (
        _CODE, _NAME_OUT, _FUND, _PERIOD,
        Field("kind", "word", required=True, key=True, words=_DEDUCTIONS, aliases=("类型", "扣减类型", "扣款类型", "类别", "项目", "扣款类别")),
        _AMOUNT,
        Field("note", "text", key=True, default="", aliases=("备注", "说明", "摘要", "事由", "扣款原因", "原因")),
    ), ("fixmedins_code", "fund", "period", "kind", "note")),
    Kind("assessments", "assessment", (
        _CODE, _NAME_OUT, _YEAR,
        Field("indicator", "text", required=True, key=True, aliases=("指标", "考核指标", "指标名称", "考核项目", "考核指标名称")),
        Field("max_points", "decimal", required=True, aliases=("满分", "分值", "标准分", "总分", "指标分值", "标准分值")),
        Field("points", "decimal", required=True, aliases=("得分", "考核得分", "实得分", "评分", "实际得分")),
    ), ("fixmedins_code", "year", "indicator")),
    Kind("special_cases", "special_case", (
        _SETL, *_PRIVATE,
        Field("decision", "word", required=True, words=_DECISIONS, aliases=("评审结果", "处理方式", "评审意见", "结论", "评审结论", "处理结果", "结果")),
        Field("score", "decimal", strict=True, aliases=("分值", "核定分值", "特病单议分值", "特例单议分值", "评审分值", "调整后分值", "特病单议评审分值")),
        Field("document", "text", aliases=(*_DOCUMENT, "备注")),
    ), ("setl_id",)),
    Kind("official_clearing", "official_clearing", (
        Field("fixmedins_code", "id", required=True, key=True, aliases=_CODE_NAMES, words={"全市": "REGION", "region": "REGION", "区域": "REGION", "统筹区": "REGION"}),
        _NAME_OUT, _FUND, _YEAR,
        Field("column", "step", required=True, key=True, words=STEPS, stored="column_id", aliases=("清算项目", "项目", "指标", "栏目", "步骤", "清算指标", "column_id", "step", "列")),
        Field("amount", "decimal", required=True, aliases=(*_AMOUNT_NAMES, "数值", "值", "value")),
    ), ("fixmedins_code", "fund", "year", "column_id")),
    Kind("official_cases", "official_case", (
        _SETL, *_PRIVATE,
        Field("fixmedins_code", "id", aliases=_CODE_NAMES), _NAME_OUT,
        Field("dip_code", "dip", aliases=_DIP_NAMES),
        Field("dip_name", "text", aliases=_DIP_TITLES, stored="-"),
        Field("rw", "decimal", strict=True, aliases=("病种分值", "病种基准分值", "病种标准分值", "基准分值", "标准分值", "目录分值", "RW", "grp_dise_sco")),
        Field("coefficient", "decimal", strict=True, aliases=(
            "机构等级系数", "机构系数", "医疗机构系数", "医院系数", "医院等级系数", "等级系数", "结算系数", "系数")),
        Field("factor", "decimal", strict=True, aliases=(
            "辅助目录最终系数", "辅助目录系数", "辅助目录校正系数", "辅助系数", "校正系数", "最终校正系数", "调节系数")),
        Field("deviation", "text", aliases=("偏差类型", "偏差病例类型", "病例类型", "倍率类型", "费用偏差类型")),
        Field("score", "decimal", strict=True, aliases=(
            "最终分值", "病例最终分值", "病例分值", "结算分值", "最终结算分值", "清算分值", "所取校正的分值", "official_score")),
        Field("point_value", "decimal", strict=True, aliases=("分值结算点值", "结算点值", "点值", "分值单价", "分值点值", "结算单价")),
        Field("pay", "money", strict=True, signed=True, aliases=(
            "应付", "DIP支付金额", "DIP应付", "DIP应付金额", "统筹应支付", "应付金额", "应支付金额", "DIP结算金额", "病例应付金额", "official_pay")),
    ), ("setl_id",)),
    Kind("control_totals", "control_total", (
        _PERIOD,
        Field("fixmedins_code", "id", key=True, default="", aliases=_CODE_NAMES), _NAME_OUT,
        Field("fund", "word", key=True, default="all", words=FUND_OR_ALL, aliases=_FUND_NAMES),
        Field("rows", "int", required=True, aliases=("记录数", "笔数", "条数", "人次", "结算笔数", "结算人次", "行数", "fixmedins_setl_cnt", "病例数", "例数")),
        _money("medfee_sumamt", "医疗费总额", "医疗总费用", "总费用", "费用总额", "医疗费用总额", required=True),
        _money("hifp_pay", "基本医疗保险统筹基金支出", "统筹基金支出", "统筹支付", "统筹基金支付", "统筹记账", "基金申报总额"),
    ), ("period", "fixmedins_code", "fund")),
    Kind("fund_months", "fund_month", (
        _FUND,
        Field("month", "month", required=True, key=True, aliases=("月份", "月", "年月", "月度", "period", "期间")),
        _money("income", "收入", "基金收入", "本月收入", "当月收入", required=True),
        _money("expenditure", "支出", "基金支出", "本月支出", "当月支出", required=True),
        _money("balance", "结余", "累计结余", "滚存结余", "期末结余", "累计余额", required=True),
    ), ("fund", "month")),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}


@dataclass(frozen=True, slots=True)
class Claims:
    """Which heading stands for which column.

    mapping: heading -> column, None = not taken. twice: headings whose column another heading already had.
    """

    mapping: Mapping[str, str | None]
    twice: tuple[str, ...]

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(column for column in self.mapping.values() if column)


def _aliases(kind: Kind) -> dict[str, tuple[int, str]]:
    """Folded heading -> (rank, column): the field's own name before its aliases, those in their order."""
    into: dict[str, tuple[int, str]] = {}
    for column in kind.columns:
        for rank, name in enumerate((column.name, *column.aliases)):
            for form in heading_forms(name):
                into.setdefault(form, (rank, column.name))
    return into


_ALIASES = {kind.name: _aliases(kind) for kind in _KINDS}


def claim(kind: Kind, headings: list[str], given: Mapping[str, str | None] | None = None) -> Claims:
    """Match headings (unique) with the kind's columns; what `given` says wins.

    Two headings for one column: the one nearest to the national name has it, the first of equals.
    In a wide `official_clearing` a heading that names a step claims `step:ID`.
    """
    mapping: dict[str, str | None] = dict.fromkeys(headings)
    taken: dict[str, str] = {}
    for heading in headings:
        if given and (column := given.get(heading)):
            mapping[heading] = column
            taken[column] = heading
    offers: list[tuple[int, int, str, str]] = []
    for place, heading in enumerate(headings):
        if given and heading in given:
            continue
        for distance, form in enumerate(heading_forms(heading)):
            if found := _ALIASES[kind.name].get(form):
                offers.append((found[0] + 100 * distance, place, heading, found[1]))
                break
    twice: list[str] = []
    for _, _, heading, column in sorted(offers):
        if column in taken:
            twice.append(heading)
        else:
            taken[column] = heading
            mapping[heading] = column
    if kind.name == "official_clearing" and "column" not in taken:
        for heading in headings:
            if mapping[heading] is None and not (given and heading in given):
                whole, bare = heading_forms(heading)
                step = STEPS.get(whole) or STEPS.get(bare) or (heading.strip() if heading.strip() in _STEP_IDS else None)
                if step and f"step:{step}" not in taken:
                    mapping[heading] = f"step:{step}"
                    taken[f"step:{step}"] = heading
    return Claims(mapping, tuple(twice))
