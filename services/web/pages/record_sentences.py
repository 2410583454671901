"""Chinese sentences of refusals about errors of records and missing data of volunteers, by their type."""

from collections.abc import Mapping

__all__ = ["RECORDS"]

RECORDS: Mapping[str, str] = {
    "birth-date-on-file": "已经登记过出生日期，这里不能改，请联系区中心。",
    "birth-date-invalid": "出生日期不对，请对照身份证再填。",
    "rectification-too-late": "班次结束 90 天之内才能提出，请联系区中心。",
    "rectification-open": "您已经提出过，站点还没有答复，请稍等。",
    "rectification-answered": "这条申请已经有人答复了，请刷新查看。",
    "rectification-unknown": "您的站点没有这条申请。",
}
