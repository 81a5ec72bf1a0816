package shell

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// The parser of fish builds the few node types that the evaluator needs. fish parses a file as a whole: with a syntax
// error nothing of it is executed.

// fishJob is a pipeline, executed depending on the status of the one before it.
type fishJob struct {
	line   int
	cond   byte // 0, '&' (after success) or '|' (after failure)
	negate bool
	async  bool
	pipe   []*fishCmd
	rest   []fishJob // joined by && and ||
}

// fishCmd is a simple command or a block.
type fishCmd struct {
	line  int
	kind  string // "" for a simple command, else the keyword of the block
	words []fishWord
	redir []fishRedir
	// arms are the conditions and bodies of if, the cases of switch, or the one body of other blocks.
	arms []fishArm
}

type fishArm struct {
	cond  []fishJob
	words []fishWord
	body  []fishJob
}

type fishRedir struct {
	op   string
	word fishWord
}

// fishWord is a word; its parts are joined as a Cartesian product.
type fishWord struct {
	parts []fishPart
	raw   string
}

type fishPart struct {
	kind  byte // 'l' literal, 'q' quoted text, 'v' variable, 'c' command substitution, 'b' braces
	text  string
	quote bool // in double quotes
	deref int  // number of additional dollars
	index *fishWord
	jobs  []fishJob
	alts  []fishWord
}

// lit returns the text of a word without expansions.
func (w fishWord) lit() (string, bool) {
	s := ""
	for _, p := range w.parts {
		if p.kind != 'l' && p.kind != 'q' {
			return "", false
		}
		s += p.text
	}
	return s, true
}

type fishParser struct {
	src     string
	pos     int
	line    int
	depth   int
	err     string
	errLine int
}

// parseFish parses a file; errLine is 0 if there is no syntax error.
func parseFish(data []byte) (jobs []fishJob, errLine int, errText string) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	p := &fishParser{src: string(data), line: 1}
	jobs, stop := p.block()
	if p.err == "" && stop != "" {
		p.fail(stop + " outside of a block")
	}
	return jobs, p.errLine, p.err
}

func (p *fishParser) fail(text string) {
	if p.err == "" {
		p.err, p.errLine = text, p.line
	}
	p.pos = len(p.src)
}

func (p *fishParser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

// blanks skips white space, comments and continued lines, and with newlines also ends of lines and semicolons.
func (p *fishParser) blanks(newlines bool) {
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == ' ' || c == '\t' || c == '\r':
		case c == '\\' && strings.HasPrefix(p.src[p.pos:], "\\\n"):
			p.pos++
			p.line++
		case c == '#':
			n := strings.IndexByte(p.src[p.pos:], '\n')
			if n < 0 {
				n = len(p.src) - p.pos
			}
			p.pos += n
			continue
		case newlines && c == '\n':
			p.line++
		case newlines && c == ';':
		default:
			return
		}
		p.pos++
	}
}

// block parses jobs up to end, else, case or the end of the text; it returns the word that stops it.
func (p *fishParser) block() (jobs []fishJob, stop string) {
	if p.depth++; p.depth > 200 {
		p.fail("blocks are nested too deeply")
	}
	defer func() { p.depth-- }()
	for {
		p.blanks(true)
		if p.pos >= len(p.src) {
			return jobs, ""
		}
		if p.peek() == ')' {
			return jobs, ")"
		}
		if word := p.keyword(); word == "end" || word == "else" || word == "case" {
			p.pos += len(word)
			return jobs, word
		}
		before := p.pos
		jobs = p.conjunction(jobs)
		if p.pos == before {
			p.fail("unexpected " + p.src[p.pos:p.pos+1])
		}
	}
}

// keyword returns the bare word at the current position without consuming it.
func (p *fishParser) keyword() string {
	end := p.pos
	for end < len(p.src) && (isNameByte(p.src[end]) || p.src[end] == '!') {
		end++
	}
	if end < len(p.src) && strings.IndexByte(" \t\r\n;&|)<>", p.src[end]) < 0 {
		return ""
	}
	return p.src[p.pos:end]
}

// conjunction parses jobs joined by && and ||.
func (p *fishParser) conjunction(jobs []fishJob) []fishJob {
	var all []fishJob
	cond := byte(0)
	for {
		job := fishJob{line: p.line, cond: cond}
		p.prefixes(&job)
		p.pipeline(&job)
		p.blanks(false)
		rest := p.src[p.pos:]
		more := strings.HasPrefix(rest, "&&") || strings.HasPrefix(rest, "||")
		if !more && strings.HasPrefix(rest, "&") {
			job.async = true
			p.pos++
		}
		all = append(all, job)
		if !more {
			all[0].rest = all[1:]
			return append(jobs, all[0])
		}
		cond = rest[0]
		p.pos += 2
		p.blanks(true)
	}
}

// prefixes parses and, or, not, ! and time before a job.
func (p *fishParser) prefixes(job *fishJob) {
	for {
		word := p.keyword()
		switch word {
		case "and":
			job.cond = '&'
		case "or":
			job.cond = '|'
		case "not", "!":
			job.negate = !job.negate
		case "time":
		default:
			return
		}
		p.pos += len(word)
		p.blanks(false)
	}
}

func (p *fishParser) pipeline(job *fishJob) {
	for {
		cmd := p.command()
		if cmd != nil {
			job.pipe = append(job.pipe, cmd)
		}
		p.blanks(false)
		rest := p.src[p.pos:]
		if cmd == nil || !strings.HasPrefix(rest, "|") && !strings.HasPrefix(rest, "&|") && !strings.HasPrefix(rest, "2>|") || strings.HasPrefix(rest, "||") {
			return
		}
		p.pos += strings.IndexByte(rest, '|') + 1
		p.blanks(true)
	}
}

// command parses a simple command or a block.
func (p *fishParser) command() *fishCmd {
	cmd := &fishCmd{line: p.line}
	switch word := p.keyword(); word {
	case "if", "while", "for", "switch", "function", "begin":
		cmd.kind = word
		p.pos += len(word)
		p.blockCommand(cmd)
		p.arguments(cmd, true)
		return cmd
	}
	p.arguments(cmd, false)
	if len(cmd.words) == 0 && len(cmd.redir) == 0 {
		return nil
	}
	return cmd
}

// arguments parses words and redirections; after a block only redirections make sense.
func (p *fishParser) arguments(cmd *fishCmd, block bool) {
	for p.err == "" {
		p.blanks(false)
		if n := redirection(p.src[p.pos:]); n > 0 {
			op := strings.TrimLeft(p.src[p.pos:p.pos+n], "012&")
			if p.src[p.pos] == '2' {
				op = "2" + op
			}
			p.pos += n
			p.blanks(false)
			cmd.redir = append(cmd.redir, fishRedir{op, p.word()})
			continue
		}
		if c := p.peek(); c == 0 || strings.IndexByte("\n;|&)", c) >= 0 || block {
			return
		}
		before := p.pos
		cmd.words = append(cmd.words, p.word())
		if p.pos == before {
			p.fail("unexpected " + p.src[p.pos:p.pos+1])
		}
	}
}

// redirection returns the length of a redirection operator at the beginning of s, or 0.
func redirection(s string) int {
	n := 0
	for n < len(s) && n < 1 && '0' <= s[n] && s[n] <= '9' || n == 0 && strings.HasPrefix(s, "&>") {
		n++
	}
	if n >= len(s) || s[n] != '<' && s[n] != '>' || strings.HasPrefix(s[n:], ">|") {
		return 0
	}
	n++
	for n < len(s) && (s[n] == '>' || s[n] == '?' || s[n] == '&') {
		n++
	}
	return n
}

// blockCommand parses what follows the keyword of a block, up to its end.
func (p *fishParser) blockCommand(cmd *fishCmd) {
	stop := ""
	switch cmd.kind {
	case "if":
		stop = p.ifArms(cmd)
	case "while":
		p.blanks(false)
		cond := p.conjunction(nil)
		var body []fishJob
		body, stop = p.block()
		arm := fishArm{cond: cond, body: body}
		arm.andOr()
		cmd.arms = []fishArm{arm}
	case "switch":
		p.arguments(cmd, false)
		_, stop = p.block()
		for stop == "case" {
			var head fishCmd
			p.arguments(&head, false)
			arm := fishArm{words: head.words}
			arm.body, stop = p.block()
			cmd.arms = append(cmd.arms, arm)
		}
	default: // for, function, begin
		if cmd.kind != "begin" {
			p.arguments(cmd, false)
		}
		var body []fishJob
		body, stop = p.block()
		cmd.arms = []fishArm{{body: body}}
	}
	if stop != "end" {
		p.fail("missing end")
	}
}

// ifArms parses the arms of if; it returns the word that ends them.
func (p *fishParser) ifArms(cmd *fishCmd) (stop string) {
	for stop = "else if"; stop == "else if"; {
		var arm fishArm
		p.blanks(false)
		arm.cond = p.conjunction(nil)
		arm.body, stop = p.block()
		arm.andOr()
		cmd.arms = append(cmd.arms, arm)
		if p.blanks(false); stop == "else" && p.keyword() == "if" {
			p.pos += len("if")
			stop = "else if"
		}
	}
	if stop == "else" {
		var arm fishArm
		arm.body, stop = p.block()
		cmd.arms = append(cmd.arms, arm)
	}
	return stop
}

// andOr moves and, or on lines of their own at the beginning of a body to the condition, where they belong.
func (a *fishArm) andOr() {
	for len(a.body) > 0 && a.body[0].cond != 0 {
		a.cond, a.body = append(a.cond, a.body[0]), a.body[1:]
	}
}

// word parses one word.
func (p *fishParser) word() fishWord {
	start := p.pos
	parts := p.parts(false)
	return fishWord{parts: parts, raw: p.src[start:p.pos]}
}

// parts parses the parts of a word; in braces it stops at a comma or a closing brace.
func (p *fishParser) parts(braces bool) []fishPart {
	if p.depth++; p.depth > 200 {
		p.fail("words are nested too deeply")
	}
	defer func() { p.depth-- }()
	var parts []fishPart
	text := strings.Builder{}
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, fishPart{kind: 'l', text: text.String()})
			text.Reset()
		}
	}
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		switch {
		case strings.IndexByte(" \t\r\n;|<>)&", c) >= 0 || braces && (c == ',' || c == '}'):
			flush()
			return parts
		case c == '\'':
			flush()
			parts = append(parts, fishPart{kind: 'q', text: p.single()})
		case c == '"':
			flush()
			parts = append(parts, p.double()...)
		case c == '$' && strings.HasPrefix(p.src[p.pos:], "$("):
			p.pos++
			fallthrough
		case c == '(':
			flush()
			parts = append(parts, p.substitution(false))
		case c == '$':
			flush()
			parts = append(parts, p.variable(false))
		case c == '{':
			flush()
			parts = append(parts, p.brace())
		case c == '\\':
			flush()
			if n := len(parts) - 1; n >= 0 && parts[n].kind == 'q' && !parts[n].quote && len(parts[n].text) < 1000 {
				parts[n].text += p.escape()
			} else {
				parts = append(parts, fishPart{kind: 'q', text: p.escape()})
			}
		default:
			text.WriteByte(c)
			p.pos++
		}
	}
	flush()
	return parts
}

func (p *fishParser) single() string {
	var b strings.Builder
	for p.pos++; p.pos < len(p.src) && p.src[p.pos] != '\''; p.pos++ {
		if p.src[p.pos] == '\\' && p.pos+1 < len(p.src) && strings.IndexByte(`\'`, p.src[p.pos+1]) >= 0 {
			p.pos++
		}
		if p.src[p.pos] == '\n' {
			p.line++
		}
		b.WriteByte(p.src[p.pos])
	}
	if p.pos >= len(p.src) {
		p.fail("a quote is not closed")
		return ""
	}
	p.pos++
	return b.String()
}

func (p *fishParser) double() []fishPart {
	parts := []fishPart{{kind: 'q', quote: true}}
	add := func(s string) {
		if last := &parts[len(parts)-1]; last.kind == 'q' {
			last.text += s
			return
		}
		parts = append(parts, fishPart{kind: 'q', quote: true, text: s})
	}
	p.pos++
	for p.pos < len(p.src) {
		rest := p.src[p.pos:]
		switch c := rest[0]; {
		case c == '"':
			p.pos++
			return parts
		case c == '\\' && len(rest) > 1 && strings.IndexByte("\\\"$\n", rest[1]) >= 0:
			if rest[1] != '\n' {
				add(rest[1:2])
			} else {
				p.line++
			}
			p.pos += 2
		case strings.HasPrefix(rest, "$("):
			p.pos++
			parts = append(parts, p.substitution(true))
		case c == '$' && len(rest) > 1 && (isNameByte(rest[1]) || rest[1] == '$'):
			parts = append(parts, p.variable(true))
		default:
			n := max(1, strings.IndexAny(rest[1:]+`"`, "\"\\$")+1)
			n = min(n, len(rest))
			p.line += strings.Count(rest[:n], "\n")
			add(rest[:n])
			p.pos += n
		}
	}
	p.fail("a quote is not closed")
	return parts
}

func (p *fishParser) substitution(quote bool) fishPart {
	start := p.pos
	p.pos++ // (
	jobs, stop := p.block()
	if stop != ")" {
		p.fail("a parenthesis is not closed")
		return fishPart{}
	}
	p.pos++
	part := fishPart{kind: 'c', quote: quote, jobs: jobs, text: p.src[start:p.pos]}
	part.index = p.index()
	return part
}

func (p *fishParser) variable(quote bool) fishPart {
	part := fishPart{kind: 'v', quote: quote, deref: -1}
	for p.peek() == '$' {
		part.deref++
		p.pos++
	}
	start := p.pos
	for isNameByte(p.peek()) {
		p.pos++
	}
	if part.text = p.src[start:p.pos]; part.text == "" {
		p.fail("a variable has no name")
		return part
	}
	part.index = p.index()
	return part
}

// index parses [1..2 $n] after a variable or a command substitution.
func (p *fishParser) index() *fishWord {
	if p.peek() != '[' {
		return nil
	}
	end := strings.IndexByte(p.src[p.pos:], ']')
	if end < 0 {
		p.fail("a bracket is not closed")
		return nil
	}
	text := p.src[p.pos+1 : p.pos+end]
	inner := &fishParser{src: strings.NewReplacer(" ", `\ `, "\n", " ").Replace(text), line: p.line, depth: p.depth}
	w := inner.word()
	if inner.err != "" {
		p.fail(inner.err)
	}
	p.pos += end + 1
	return &w
}

func (p *fishParser) brace() fishPart {
	part := fishPart{kind: 'b'}
	p.pos++
	for p.pos < len(p.src) {
		part.alts = append(part.alts, fishWord{parts: p.parts(true)})
		switch p.peek() {
		case ',':
			p.pos++
			continue
		case '}':
			p.pos++
			return part
		case ' ', '\n':
			if p.peek() == '\n' {
				p.line++
			}
			p.pos++
			part.alts = part.alts[:len(part.alts)-1]
			continue
		}
		break
	}
	p.fail("a brace is not closed")
	return part
}

// escape parses a backslash outside quotes.
func (p *fishParser) escape() string {
	rest := p.src[p.pos:]
	if len(rest) < 2 {
		p.pos = len(p.src)
		return ""
	}
	if strings.IndexByte("abefnrtvxXuU01234567", rest[1]) >= 0 {
		n := 2
		for n < len(rest) && n < 10 && digitValue(rest[n]) < 16 && strings.IndexByte("xXuU01234567", rest[1]) >= 0 {
			n++
		}
		for ; n >= 2; n-- {
			if s := ansiC(strings.Replace(rest[:n], `\X`, `\x`, 1)); utf8.RuneCountInString(s) == 1 || len(s) == 1 {
				p.pos += n
				return s
			}
		}
	}
	if rest[1] == '\n' {
		p.line++
		p.pos += 2
		return ""
	}
	_, n := utf8.DecodeRuneInString(rest[1:])
	p.pos += 1 + n
	return rest[1 : 1+n]
}
