package msg

// chineseSysenv has the sentences of internal/sysenv.
var chineseSysenv = []entry{
	// files in general
	{"this user may not read %s", "此用户没有权限读取 %s"},
	{"%s was not recorded", "没有 %s 的记录"},
	{"%s is too large to be read", "%s 过大，不予读取"},
	{"%s cannot be read: %s", "无法读取 %s：%s"},
	{"the value grows too large when its variables are expanded", "展开变量后值过大"},
	{"%q is not the name of a variable, so the line is ignored", "%q 不是变量名，因此忽略此行"},
	{"%q is not the name of a variable, so it is ignored", "%q 不是变量名，因此被忽略"},

	// crontabs
	{"the last line has no line end, so cron ignores the whole file", "最后一行没有换行符，因此 cron 忽略整个文件"},
	{"cron does not understand the line and ignores the whole file", "cron 无法理解此行，因此忽略整个文件"},
	{"the line is longer than %d bytes, and cron cuts it there", "此行超过 %d 字节，cron 会在该处截断"},
	{"cron sets it for every job", "由 cron 为每个作业设置"},

	// PAM
	{"pam_env reads nothing, because this file is missing", "缺少此文件，因此 pam_env 什么都不读取"},
	{"the PAM service %s does not load pam_env", "PAM 服务 %s 不加载 pam_env"},
	{"pam_env of the PAM service %s does not read it", "PAM 服务 %s 的 pam_env 不读取它"},
	{"the PAM stack may end or jump before it reaches pam_env", "PAM 栈可能在到达 pam_env 之前结束或跳转"},
	{"versions of PAM before 1.6 stop reading at line %d, which is longer than %d bytes", "第 %d 行超过 %d 字节，1.6 之前的 PAM 会在该行停止读取"},
	{"there is no name before the %q", "%q 之前没有变量名"},
	{"%q is not a name made of letters, digits and underscores, so the line is ignored", "变量名 %q 含有字母、数字、下划线以外的字符，因此忽略此行"},
	{"the value ends in a carriage return, because the line ends as on Windows", "此行使用 Windows 换行符，因此值以回车符结尾"},
	{"the value keeps the blanks at its end", "值会保留末尾的空白"},
	{"the braces of a variable are not closed, so pam_env stops here", "变量的花括号没有闭合，因此 pam_env 在此停止"},
	{"only DEFAULT= and OVERRIDE= can follow the name, so the line is ignored", "变量名之后只能是 DEFAULT= 和 OVERRIDE=，因此忽略此行"},
	{"the quotes do not enclose the whole value, so the line is ignored", "引号没有包住整个值，因此忽略此行"},
	{"it depends on the user", "取决于用户"},
	{"it depends on where the user logs in from", "取决于用户从何处登录"},
	{"%s removes it again", "随后被 %s 移除"},

	// sessions
	{"%s sets it for every session", "由 %s 为每个会话设置"},
	{"%s starts with an empty environment", "%s 以空环境启动"},
	{"it is compiled into sshd", "sshd 编译时内置"},
	{"the setting %s of sshd comes last", "sshd 的设置 %s 最后生效"},
	{"AcceptEnv of sshd does not name it", "sshd 的 AcceptEnv 没有列出它"},
	{"PermitUserEnvironment of sshd does not allow it", "sshd 的 PermitUserEnvironment 不允许它"},
	{"%s of sudoers replaces the PATH", "PATH 被 sudoers 的 %s 取代"},
	{"sudo drops it unless env_keep names it: %s", "除非 env_keep 列出它，否则会被 sudo 丢弃：%s"},
	{"sudo drops variables that env_keep does not name", "sudo 会丢弃 env_keep 未列出的变量"},
	{"launchd sets it for every program", "由 launchd 为每个程序设置"},

	// systemd
	{"line %d of %s is not UTF-8, so systemd refuses the file", "%[2]s 第 %[1]d 行不是 UTF-8，因此 systemd 拒绝此文件"},
	{"line %d of %s is not a section, so systemd refuses the file", "%[2]s 第 %[1]d 行不是节标题，因此 systemd 拒绝此文件"},
	{"the line is before the first section, so it is ignored", "此行位于第一个节之前，因此被忽略"},
	{"the line is not NAME=VALUE, so it is ignored", "此行不是 NAME=VALUE 的形式，因此被忽略"},
	{"the file contains a NUL byte, so all of it is ignored", "文件含有 NUL 字节，因此整个被忽略"},
	{"systemd ignores an assignment of an empty value here", "systemd 在此处忽略空值的赋值"},
	{"the line is not UTF-8, so systemd ignores it and the rest of the file", "此行不是 UTF-8，因此 systemd 忽略它及其后的内容"},
	{"the text from the %q on is part of the value", "从 %q 起的文本会成为值的一部分"},
	{"a line that begins with %q is ignored here", "此处以 %q 开头的行会被忽略"},
	{"it is compiled into systemd", "systemd 编译时内置"},
	{"it is compiled into systemd, which does not pass on the PATH it was started with", "systemd 编译时内置；它不传递自己启动时的 PATH"},
	{"the running service manager has it in its environment", "正在运行的服务管理器的环境中有它"},
	{"%s runs when the manager starts and may set any variable", "%s 在管理器启动时运行，可能设置任意变量"},
	{"the value of the specifier %s is known only to systemd", "说明符 %s 的值只有 systemd 知道"},
	{"the group %d is not in /etc/group", "/etc/group 中没有组 %d"},
	{"the user %s is not in /etc/passwd", "/etc/passwd 中没有用户 %s"},
	{"%q has a specifier that systemd does not know; write %%%% for a percent sign", "%q 中有 systemd 不认识的说明符；百分号要写成 %%%%"},
	{"%q is not NAME=VALUE, so it is ignored; a value with blanks needs quotes around the whole assignment", "%q 不是 NAME=VALUE 的形式，因此被忽略；值含空白时，要用引号包住整个赋值"},
	{"%q is not an absolute path, so it is ignored", "%q 不是绝对路径，因此被忽略"},
	{"the quotes or escapes are wrong, so the rest of the line is ignored", "引号或转义有误，因此忽略此行的其余部分"},
	{"the empty assignment at %s resets what was set before", "%s 处的空赋值清除了之前的设置"},
	{"systemd sets it for the user of the service", "由 systemd 按服务的用户设置"},
	{"it is passed on from the manager's own environment", "从管理器自身的环境传递而来"},
	{"the service cannot start, because %s does not exist", "%s 不存在，因此服务无法启动"},
	{"the file is not text in UTF-8, so all of it is ignored", "文件不是 UTF-8 文本，因此整个被忽略"},
	{"the service cannot start, because %s is not text in UTF-8", "%s 不是 UTF-8 文本，因此服务无法启动"},
	{"only the value %q is removed", "只移除值 %q"},

	// Windows
	{"Windows sets it for every session", "由 Windows 为每个会话设置"},
	{"the PATH of the user follows that of the machine", "用户的 PATH 接在系统的 PATH 之后"},
	{"the value is not text, so Windows leaves it out", "值不是文本，因此 Windows 不使用它"},
	{"%s is not expanded, because the value has the type %s", "值的类型是 %[2]s，因此 %[1]s 不会展开"},
}
