package llm

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// connection explains an error of the network, or one that came before it.
func (c *Endpoint) connection(err error) *failure {
	host := c.base.Host
	var (
		unknown   *net.DNSError
		untrusted *tls.CertificateVerificationError
		noTLS     tls.RecordHeaderError
		badJSON   *json.MarshalerError
	)
	switch {
	case errors.As(err, &badJSON):
		return &failure{
			code:    dialogue.CodeBadRequest,
			message: "The request to the model could not be put together. This is a fault of Mark's, not of the question.",
			detail:  plainError(err).Error(),
		}
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return c.unavailable(retryMore, err, "The model's endpoint %s has no address. Check the host in %s.", host, c.cfg.setting(settingBaseURL))
	case errors.As(err, &untrusted):
		return c.unavailable(retryNever, err, "The certificate of the model's endpoint at %s is not trusted by this machine.", host)
	case errors.As(err, &noTLS):
		return c.unavailable(retryNever, err, "The model's endpoint at %s does not speak TLS. Check whether %s has to begin with http://.", host, c.cfg.setting(settingBaseURL))
	}
	return c.unavailable(retryMore, err, "The model's endpoint at %s could not be reached. Check that it is running and that %s is right.", host, c.cfg.setting(settingBaseURL))
}
