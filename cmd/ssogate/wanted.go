package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/ssogate/ssogate/directory"
	"github.com/ssogate/ssogate/oauth"
	"github.com/ssogate/ssogate/saml"
)

const maxFile = 32 << 20

// readYAML decodes a file strictly: an unknown key is an error that shows its line. "-" is standard input.
func readYAML(path string, stdin io.Reader, into any) error {
	var (
		text []byte
		err  error
	)
	if path == "-" {
		text, err = io.ReadAll(io.LimitReader(stdin, maxFile))
	} else {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return fmt.Errorf("ssogate: %w: %w", errUsage, err)
	}
	if err := yaml.UnmarshalWithOptions(text, into, yaml.Strict()); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("ssogate: %w: %s: %s", errUsage, path, yaml.FormatError(err, false, true))
	}
	return nil
}

// resolve reads what a connection names by file, relative to dir, and turns SAML metadata into settings.
func resolve(c *directory.WantedConnection, dir string, now time.Time, warn io.Writer) error {
	if c == nil {
		return nil
	}
	if o := c.OAuth; o != nil && o.ClientSecretFile != "" {
		if o.ClientSecret != "" {
			return fmt.Errorf("ssogate: %w: client_secret and client_secret_file are both set", errUsage)
		}
		text, err := os.ReadFile(beside(dir, o.ClientSecretFile))
		if err != nil {
			return fmt.Errorf("ssogate: %w: client_secret_file: %w", errUsage, err)
		}
		o.ClientSecret, o.ClientSecretFile = strings.TrimRight(string(text), "\r\n"), ""
	}
	s := c.SAML
	if s == nil {
		return nil
	}
	if s.MetadataFile != "" {
		if s.Metadata != "" {
			return fmt.Errorf("ssogate: %w: metadata and metadata_file are both set", errUsage)
		}
		text, err := os.ReadFile(beside(dir, s.MetadataFile))
		if err != nil {
			return fmt.Errorf("ssogate: %w: metadata_file: %w", errUsage, err)
		}
		s.Metadata, s.MetadataFile = string(text), ""
	}
	if s.Metadata == "" {
		return nil
	}
	idp, err := saml.ParseMetadata([]byte(s.Metadata), now)
	if err != nil {
		return fmt.Errorf("ssogate: %w: metadata: %w", errUsage, explained(err))
	}
	for _, w := range idp.Warnings {
		fmt.Fprintf(warn, "metadata of %s: %s\n", printable(idp.EntityID), printable(w))
	}
	s.Metadata = ""
	fill(&s.SAMLSettings, idp)
	return nil
}

// fill takes from metadata what the settings do not say themselves.
func fill(s *directory.SAMLSettings, idp saml.IdP) {
	if s.EntityID == "" {
		s.EntityID = idp.EntityID
	}
	if s.SSOURL == "" {
		if idp.SSOPOST != "" && (s.Binding == directory.BindingPOST || idp.SSORedirect == "") {
			s.SSOURL, s.Binding = idp.SSOPOST, directory.BindingPOST
		} else {
			s.SSOURL, s.Binding = idp.SSORedirect, directory.BindingRedirect
		}
	}
	if len(s.Certificates) == 0 {
		for _, c := range idp.Certificates {
			s.Certificates = append(s.Certificates, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
		}
	}
	if idp.WantRequestsSigned {
		s.SignRequests = true
	}
}

func beside(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// explained says what was wanted and what came: at the command line the reader is the administrator.
func explained(err error) error {
	var r *saml.Refusal
	if errors.As(err, &r) {
		return fmt.Errorf("%s: want %s, got %s", r.Code, r.Want, r.Got)
	}
	var o *oauth.Refusal
	if errors.As(err, &o) {
		return fmt.Errorf("%s: want %s, got %s", o.Code, o.Want, o.Got)
	}
	return err
}
