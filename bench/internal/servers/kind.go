package servers

import (
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Kind is a server of one make and version.
type Kind struct {
	Name  string // fit for a subtest: "redis-7.0"
	Image string // "redis:7.0"

	program string // "redis" or "valkey"
	version string // leading part of the version, "7.0"; empty if the image's tag has none
}

// defaults are the images whose servers the tests want unless told otherwise.
var defaults = map[string][]string{
	"redis":  {"redis:7.0", "redis:8.0"},
	"valkey": {"valkey/valkey:8.1"},
}

// official are the official images' names, up to the version.
var official = map[string]string{"redis": "redis:", "valkey": "valkey/valkey:"}

// suites are the Debian releases whose packages hold servers: those of the defaults, and older and newer
// ones, which have to be named.
var suites = map[string]string{
	"redis 6.0":  "bullseye",
	"redis 7.0":  "bookworm",
	"redis 8.0":  "trixie",
	"redis 8.6":  "experimental",
	"valkey 8.0": "bookworm-backports",
	"valkey 8.1": "trixie",
	"valkey 9.1": "forky",
}

// All returns the kinds of server that every test of a real server runs against. REDIS_IMAGE and
// VALKEY_IMAGE, each a comma-separated list of images, replace the Redis ones and the Valkey one.
func All() []Kind {
	return append(kinds("redis", os.Getenv("REDIS_IMAGE")), kinds("valkey", os.Getenv("VALKEY_IMAGE"))...)
}

// kinds returns the kinds of one program for a comma-separated list of images.
func kinds(program, list string) []Kind {
	images := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	if len(images) == 0 {
		images = defaults[program]
	}
	all := make([]Kind, len(images))
	for i, image := range images {
		all[i] = parse(program, image)
	}
	return all
}

var versionInTag = regexp.MustCompile(`^v?(\d+(?:\.\d+)*)`)

// parse reads a kind's name and version off its image.
func parse(program, image string) Kind {
	base, _, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], "@")
	name, tag, tagged := strings.Cut(base, ":")
	if !tagged {
		return Kind{Name: name, Image: image, program: program}
	}
	k := Kind{Name: name + "-" + tag, Image: image, program: program}
	if m := versionInTag.FindStringSubmatch(tag); m != nil {
		k.version = m[1]
	}
	return k
}

// matches tells whether a server of that version is one of this kind: 7.0 covers 7.0.15, not 7.01.
func (k Kind) matches(version string) bool {
	return k.version == "" || version == k.version || strings.HasPrefix(version, k.version+".")
}

// OlderThan tells whether the server is of an earlier major version. One of unknown version is not.
func (k Kind) OlderThan(major int) bool {
	text, _, _ := strings.Cut(k.version, ".")
	n, err := strconv.Atoi(text)
	return err == nil && n < major
}

// Unprotected are options with which a server lets its clients use DEBUG and change all of its settings. Redis
// before 7.0 has no such options, and lets them.
func (k Kind) Unprotected() []string {
	if k.OlderThan(7) {
		return nil
	}
	return []string{"--enable-debug-command", "yes", "--enable-protected-configs", "yes"}
}

// suite is the Debian release that has this server, or "".
func (k Kind) suite() string { return suites[k.program+" "+k.version] }

// standsFor tells whether an image built from Debian's packages may be used in place of the kind's own: it
// may be where that is the official one of a version that Debian has.
func (k Kind) standsFor() bool { return k.suite() != "" && k.Image == official[k.program]+k.version }
