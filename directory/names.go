package directory

import "strings"

// displayName puts the family name first where the member's language does.
func displayName(m Member) string {
	first, second := m.GivenName, m.FamilyName
	switch m.Language {
	case "ko-KR", "ja-JP", "zh-CN", "zh-TW":
		first, second = m.FamilyName, m.GivenName
	}
	return strings.TrimSpace(first + " " + second)
}
