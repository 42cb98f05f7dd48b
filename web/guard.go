package web

import "net/http"

// sameOrigin refuses state changes that another site caused: Sec-Fetch-Site, or Origin against Host and the public origin
// (http.CrossOriginProtection; security.md 3.2). It belongs to the mux that answers: outside of one, only Host counts.
func sameOrigin() Guard {
	bare := http.NewCrossOriginProtection()
	return Guard{Name: "same-origin", Check: func(r *http.Request) error {
		protection := bare
		if q := recordOf(r.Context()); q != nil {
			protection = q.mux.origin
		}
		if err := protection.Check(r); err != nil {
			return &Error{Status: http.StatusForbidden, Code: "cross_site", Err: err}
		}
		return nil
	}}
}
