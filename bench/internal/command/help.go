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
// in the flag's usage, a tab, and its usage, in which a new line begins with a tab too. Its default
// follows, unless there is none or the usage tells it.
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

// plain makes of a list what one would write.
var plain = strings.NewReplacer(`"`, "", "[", "", "]", "", ", ", ",")

// defaultOf returns a flag's default as one would write it, "" for none.
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
