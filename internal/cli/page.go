package cli

import (
	"regexp"
	"strings"

	"github.com/goready/goready/docs"
	"github.com/goready/goready/internal/check"
	"github.com/goready/goready/internal/goenv"
	"github.com/goready/goready/internal/msg"
)

// checkEntry is a check in "goready doctor --list --format json".
type checkEntry struct {
	ID        string         `json:"id"`
	Category  string         `json:"category"`
	Severity  check.Severity `json:"severity"`
	Platforms []string       `json:"platforms,omitempty"`
	Title     msg.Text       `json:"title"`
	Docs      string         `json:"docs"`
}

func entryOf(c *check.Check) checkEntry {
	return checkEntry{c.ID, c.Category(), c.Severity, c.Platforms, c.Title, check.Docs(c.ID)}
}

// checkPage is the page of a check in "goready explain --format json".
type checkPage struct {
	checkEntry
	Page string `json:"page"` // Markdown; empty if there is none
}

// splitChecks parts the ids of checks, which have a dot, from the names of variables.
func (a *app) splitChecks(names []string) (pages []checkPage, variables []string, err error) {
	all := a.checks()
	for _, name := range names {
		if !strings.Contains(name, ".") || strings.Contains(name, "=") {
			variables = append(variables, name)
			continue
		}
		selected, _ := check.Select(all, []string{name}, nil)
		if len(selected) != 1 || selected[0].ID != name {
			hint := "'goready doctor --list' lists the checks"
			if near := goenv.Nearest(name, a.ids()); near != "" {
				hint = "did you mean " + near
			}
			return nil, nil, usagef(hint, "no check %q", name)
		}
		c := &selected[0]
		pages = append(pages, checkPage{entryOf(c), docs.Check(c.ID)})
	}
	return pages, variables, nil
}

// pages prints pages for people.
func (s style) pages(pages []checkPage) {
	for i := range pages {
		if i > 0 {
			s.printf("\n")
		}
		p := &pages[i]
		about := string(p.Severity)
		if len(p.Platforms) > 0 {
			about += ", " + strings.Join(p.Platforms, ", ")
		}
		s.printf("%s  %s\n", s.bold(p.ID), s.faint(about))
		s.wrapped("", s.t(p.Title))
		if p.Page != "" {
			s.printf("\n")
			s.markdown(p.Page)
		}
	}
}

// markdown prints a page plainly: headings stand out, paragraphs and lists are wrapped, code and its line breaks are
// kept, and a row of a table becomes a list of its cells with the names of their columns. A first heading of level one
// is left out: what is printed before names the page. So are comments.
func (s style) markdown(text string) {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	printed := false
	block := func() {
		if printed {
			s.printf("\n")
		}
		printed = true
	}
	for len(lines) > 0 {
		line := lines[0]
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(line, "# ") && !printed || strings.HasPrefix(trimmed, "<!--"):
			lines = lines[1:]
		case strings.HasPrefix(trimmed, "```"):
			block()
			lines = s.code(lines[1:])
		case strings.HasPrefix(line, "#"):
			block()
			s.printf("%s\n", s.bold(s.inline(strings.TrimLeft(line, "# "))))
			lines = lines[1:]
		case strings.HasPrefix(trimmed, "|"):
			block()
			lines = s.table(lines)
		case listItem(trimmed) != "":
			block()
			lines = s.items(lines)
		default:
			block()
			var paragraph string
			paragraph, lines = gather(lines)
			s.wrapped("  ", s.inline(paragraph))
		}
	}
}

// code prints lines up to the end of a block of code, and returns what follows it.
func (s style) code(lines []string) []string {
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			return lines[i+1:]
		}
		s.printf("%s\n", strings.TrimRight("      "+s.clean(strings.ReplaceAll(line, "\t", "    ")), " "))
	}
	return nil
}

// table prints the rows of a table, and returns what follows it.
func (s style) table(lines []string) []string {
	var rows [][]string
	for len(lines) > 0 && strings.HasPrefix(strings.TrimSpace(lines[0]), "|") {
		rows = append(rows, cells(lines[0]))
		lines = lines[1:]
	}
	for i, row := range rows[1:] {
		if strings.Trim(strings.Join(row, ""), "-: ") == "" {
			continue
		}
		if i > 1 {
			s.printf("\n")
		}
		for j, cell := range row {
			if cell = s.inline(cell); cell == "" {
				continue
			}
			if name := ""; j > 0 && j < len(rows[0]) {
				if name = s.inline(rows[0][j]); name != "" {
					cell = name + s.colon() + " " + cell
				}
				s.wrapped("    ", cell)
				continue
			}
			s.wrapped("  ", cell)
		}
	}
	return lines
}

// cells returns the cells of a row; a bar may be escaped.
func cells(row string) []string {
	row = strings.Trim(strings.TrimSpace(strings.ReplaceAll(row, `\|`, "\x00")), "|")
	out := strings.Split(row, "|")
	for i := range out {
		out[i] = strings.TrimSpace(strings.ReplaceAll(out[i], "\x00", "|"))
	}
	return out
}

// listItem returns the mark that a line of a list begins with, "" for other lines.
func listItem(line string) string {
	return regexp.MustCompile(`^([-*+]|[0-9]+[.)]) `).FindString(line)
}

// items prints the items of a list, and returns what follows it.
func (s style) items(lines []string) []string {
	for len(lines) > 0 {
		line := lines[0]
		trimmed := strings.TrimSpace(line)
		mark := listItem(trimmed)
		if mark == "" {
			break
		}
		depth := len(line) - len(strings.TrimLeft(line, " "))
		lines = lines[1:]
		text := strings.TrimPrefix(trimmed, mark)
		more, rest := gather(append([]string{text}, lines...))
		lines = rest
		if mark[0] == '*' || mark[0] == '+' {
			mark = "- "
		}
		indent := strings.Repeat(" ", 2+depth)
		room := s.prose() - len(indent) - len(mark)
		wrapped := wrap(s.inline(more), room, room)
		s.printf("%s%s%s\n", indent, mark, wrapped[0])
		s.indented(indent+strings.Repeat(" ", len(mark)), wrapped[1:])
	}
	return lines
}

// gather returns the lines of a paragraph as one, and what follows it.
func gather(lines []string) (string, []string) {
	text := []string{strings.TrimSpace(lines[0])}
	for i, line := range lines[1:] {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || strings.HasPrefix(trimmed, "```") || strings.HasPrefix(line, "#") || strings.HasPrefix(trimmed, "|") || listItem(trimmed) != "" {
			return strings.Join(text, " "), lines[i+1:]
		}
		text = append(text, trimmed)
	}
	return strings.Join(text, " "), nil
}

// inline returns the text of a line without its marks: of emphasis, of code, and of links, whose address follows where
// it is not that of another page.
func (s style) inline(text string) string {
	parts := strings.Split(text, "`")
	link := regexp.MustCompile(`\[([^\]]*)\]\(([^)\s]*)\)`)
	emphasis := regexp.MustCompile(`(\*\*|__)([^*_]+)(\*\*|__)|(^|[\s(])\*([^*\s][^*]*)\*`)
	for i := range parts {
		if i%2 == 1 { // code
			continue
		}
		parts[i] = link.ReplaceAllStringFunc(parts[i], func(l string) string {
			m := link.FindStringSubmatch(l)
			if strings.Contains(m[2], "://") && m[1] != m[2] {
				return m[1] + " (" + m[2] + ")"
			}
			return m[1]
		})
		parts[i] = emphasis.ReplaceAllString(parts[i], "$2$4$5")
	}
	return s.clean(strings.Join(parts, ""))
}
