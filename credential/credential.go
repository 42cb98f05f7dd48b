// Package credential guards secrets: the sealing of secrets at rest. Passwords, invitations, app passwords and access
// tokens join it with the features that need them.
package credential
