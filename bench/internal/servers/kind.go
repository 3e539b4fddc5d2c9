package servers

import (
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Kind is a server program, Redis or Valkey, in a version.
type Kind struct {
	Name  string // a name for subtests: "redis-7.0"
	Image string // "redis:7.0"

	program string // "redis" or "valkey"
	version string // the leading part of the version, "7.0", or "" if the image's tag has none
}

// defaults are the images of the servers that tests use if REDIS_IMAGE and VALKEY_IMAGE are not set.
var defaults = map[string][]string{
	"redis":  {"redis:7.0", "redis:8.0"},
	"valkey": {"valkey/valkey:8.1"},
}

// official holds the names of the official images up to the version.
var official = map[string]string{"redis": "redis:", "valkey": "valkey/valkey:"}

// suites are the Debian releases that have a server in their packages: the default servers, and others that can be named.
var suites = map[string]string{
	"redis 6.0":  "bullseye",
	"redis 7.0":  "bookworm",
	"redis 8.0":  "trixie",
	"redis 8.6":  "experimental",
	"valkey 8.0": "bookworm-backports",
	"valkey 8.1": "trixie",
	"valkey 9.1": "forky",
}

// All returns the kinds of server that tests run against. The variables REDIS_IMAGE and VALKEY_IMAGE, which are comma-separated
// lists of images, replace the kinds of Redis and of Valkey.
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

// parse returns the kind of a program's image.
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

// matches reports whether a server of a version is of this kind: 7.0 matches 7.0.15, but not 7.01.
func (k Kind) matches(version string) bool {
	return k.version == "" || version == k.version || strings.HasPrefix(version, k.version+".")
}

// OlderThan reports whether the server is of an earlier major version. It returns false if the version isn't known.
func (k Kind) OlderThan(major int) bool {
	text, _, _ := strings.Cut(k.version, ".")
	n, err := strconv.Atoi(text)
	return err == nil && n < major
}

// Unprotected returns options with which a server lets clients use DEBUG and change all settings. Redis before 7.0 needs no
// options for that.
func (k Kind) Unprotected() []string {
	if k.OlderThan(7) {
		return nil
	}
	return []string{"--enable-debug-command", "yes", "--enable-protected-configs", "yes"}
}

// suite returns the Debian release that has this server, or "".
func (k Kind) suite() string { return suites[k.program+" "+k.version] }

// standsFor reports whether an image from Debian's packages may replace the kind's own image. It may if the kind's own is the
// official image of a version that Debian has.
func (k Kind) standsFor() bool { return k.suite() != "" && k.Image == official[k.program]+k.version }
