package command

import (
	"strings"

	"github.com/urfave/cli/v3"
)

const rootHelp = `{{.Name}} {{.Usage}}.

{{.Description}}

Commands:{{range .VisibleCommands}}
  {{.Name}}	{{.Usage}}{{end}}
`

const commandHelp = `{{.FullName}} {{.Usage}}.

{{.Description}}

Flags, with one dash or two:{{range .VisibleFlags}}
  {{.}}{{end}}
`

// describeFlag is a flag's part of the help: its name, its value's name, which stands in backticks
// in the flag's usage, a tab, and its usage, in which a new line begins with a tab too.
func describeFlag(flag cli.Flag) string {
	name, usage := "-"+flag.Names()[0], ""
	if documented, ok := flag.(cli.DocGenerationFlag); ok {
		usage = documented.GetUsage()
	}
	if parts := strings.SplitN(usage, "`", 3); len(parts) == 3 {
		name += " " + parts[1]
		usage = parts[0] + parts[1] + parts[2]
	}
	return name + "\t" + strings.ReplaceAll(usage, "\n", "\n  \t")
}
