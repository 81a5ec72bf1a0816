package msg

// chineseDoctor has what the output of goready doctor says beside its findings.
var chineseDoctor = []entry{
	{"because of it %s: %s", "由此导致 %s：%s"},
	{"there is no consumer %s: %s", "不存在使用方 %s：%s"},
	{"%s (at most %d s more)", "%s（最多还需 %d 秒）"},
	{"%s: %s was known until %s; it is not found any more", "%s：%s 声明为已知的期限到 %s 为止，现已不再出现"},
	{"as --format, for the commands that have that format", "同 --format，用于支持该格式的命令"},
	{"dumb: no colours and no spinner", "为 dumb 时不使用颜色和进度动画"},
	{"say whether the output can show more than ASCII", "决定输出能否使用 ASCII 以外的字符"},
	{"slow: waiting for %s", "较慢：正在等待 %s"},
	{"the files of this machine", "本机文件的读取"},
	{"the user's shell, %s", "用户的 shell（%s）"},
}
