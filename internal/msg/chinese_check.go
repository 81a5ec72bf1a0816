package msg

// chineseCheck has what running the checks says, whatever they check.
var chineseCheck = []entry{
	{"caused by %s", "由 %s 引起"},
	{"it is in the baseline", "已记录在基线中"},
	{"it took longer than %s", "耗时超过 %s"},
	{"it was known until %s (%s)", "曾声明为已知，已于 %s 到期（%s）"},
	{"known (%s): %s", "已声明为已知（%s）：%s"},
	{"known until %s (%s): %s", "在 %s 之前视为已知（%s）：%s"},
}
