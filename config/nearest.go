package config

import "slices"

// nearest is ": did you mean …?" when one of the known names is a slip or two away, otherwise empty.
func nearest(name string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := slips(name, k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" || distance >= len(name) {
		return ""
	}
	return ": did you mean " + best + "?"
}

// slips is the Levenshtein distance of two names, 3 for everything from 3 on.
func slips(a, b string) int {
	if len(a) > 80 || len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 3
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], 3)
}

func keysOf(m map[string]*setting) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
