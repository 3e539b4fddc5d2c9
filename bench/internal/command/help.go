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

// describeFlag returns a flag's part of the help: its name and the name of its value, a tab, and its usage. In the usage,
// the name of the value is in backticks. Further lines of the usage are indented by a tab, too. The default follows, unless
// there is none or the usage mentions it.
func describeFlag(flag cli.Flag) string {
	name, usage := "-"+flag.Names()[0], ""
	if documented, ok := flag.(cli.DocGenerationFlag); ok {
		usage = documented.GetUsage()
		if value := defaultOf(documented); value != "" && !strings.Contains(usage, "default") {
			if last := usage[strings.LastIndex(usage, "\n")+1:]; len(last)+len(value) > 60 {
				usage += "\n(the default is " + value + ")"
			} else {
				usage += " (the default is " + value + ")"
			}
		}
	}
	if parts := strings.SplitN(usage, "`", 3); len(parts) == 3 {
		name += " " + parts[1]
		usage = parts[0] + parts[1] + parts[2]
	}
	return name + "\t" + strings.ReplaceAll(usage, "\n", "\n  \t")
}

// plain removes the quotes, brackets and spaces of a printed list, so that it looks as a user would type it.
var plain = strings.NewReplacer(`"`, "", "[", "", "]", "", ", ", ",")

// defaultOf returns a flag's default in the form that a user would type, or "" if it is empty, zero or false.
func defaultOf(flag cli.DocGenerationFlag) string {
	switch value := plain.Replace(flag.GetValue()); value {
	case "0", "0s", "false":
		return ""
	default:
		if strings.HasSuffix(value, "m0s") {
			return strings.TrimSuffix(value, "0s")
		}
		return value
	}
}
