package backup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
)

// ageMagic begins what age has encrypted.
const ageMagic = "age-encryption.org/v1\n"

// nopCloser is a Writer with nothing to close.
type nopCloser struct{ io.Writer }

// Close implements io.Closer.
func (nopCloser) Close() error { return nil }

// seal encrypts what is written to it for the recipients; with none it passes it
// on as it is.
func seal(to io.Writer, recipients []age.Recipient) (io.WriteCloser, error) {
	if len(recipients) == 0 {
		return nopCloser{to}, nil
	}
	w, err := age.Encrypt(to, recipients...)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return w, nil
}

// unseal returns what an archive holds in the clear.
func unseal(from io.Reader, identities []age.Identity) (io.Reader, error) {
	in := bufio.NewReader(from)
	if start, err := in.Peek(len(ageMagic)); string(start) != ageMagic {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return in, nil
	}
	if len(identities) == 0 {
		return nil, errors.New("the archive is encrypted: give its key with --identity, or its passphrase with --passphrase-file")
	}
	out, err := age.Decrypt(in, identities...)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return nil, errors.New("the key or passphrase is not the one that the archive was encrypted for")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return out, nil
}

// Recipients reads whom an archive is encrypted for: public keys (age1…) and a
// passphrase, of which there can be one or the other, as age has it.
func Recipients(keys []string, passphrase string) ([]age.Recipient, error) {
	if len(keys) > 0 && passphrase != "" {
		return nil, errors.New("encrypt either for recipients or with a passphrase")
	}
	if passphrase != "" {
		r, err := age.NewScryptRecipient(passphrase)
		if err != nil {
			return nil, fmt.Errorf("the passphrase: %w", err)
		}
		return []age.Recipient{r}, nil
	}
	var all []age.Recipient
	for _, key := range keys {
		r, err := age.ParseRecipients(strings.NewReader(key))
		if err != nil {
			return nil, fmt.Errorf("%q is no recipient like age1…, as age-keygen prints it: %w", key, err)
		}
		all = append(all, r...)
	}
	return all, nil
}

// Identities reads what opens an archive: secret keys, one a line, as age-keygen
// writes them, and a passphrase. Either may be empty.
func Identities(keys io.Reader, passphrase string) ([]age.Identity, error) {
	var all []age.Identity
	if keys != nil {
		parsed, err := age.ParseIdentities(keys)
		if err != nil {
			return nil, fmt.Errorf("the identity is no file of age-keygen's: %w", err)
		}
		all = parsed
	}
	if passphrase != "" {
		i, err := age.NewScryptIdentity(passphrase)
		if err != nil {
			return nil, fmt.Errorf("the passphrase: %w", err)
		}
		all = append(all, i)
	}
	return all, nil
}
