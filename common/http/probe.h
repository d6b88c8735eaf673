#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/deadline.h"

namespace exporter::http {

/// The target of a probe: a TCP port (tcp://host:port) or a page (http://, https://).
struct ProbeTarget {
  enum class Kind { tcp, http, https };
  Kind kind;
  std::string label;  ///< as configured, without the query, which may hold secrets
  std::string url;    ///< for libcurl
};

/// Throws Error{config} if it is none of these, or has a user, a password or a fragment; never
/// quotes the text.
ProbeTarget parse_probe_target(const std::string& text);

/// Why a probe failed, in the order of its phases: the name has no address, no connection, no
/// handshake or no valid certificate, no HTTP reply (closed, truncated or malformed), a status
/// other than 2xx; or a timeout in any of them.
enum class ProbeFailure { dns, connect, tls, reply, status, timeout };
constexpr std::array<std::string_view, 6> kProbeFailures = {"dns",   "connect", "tls",
                                                            "reply", "status",  "timeout"};

struct ProbeResult {
  std::optional<ProbeFailure> failure;
  std::string why;     ///< of a failure, in words
  double seconds = 0;  ///< the whole probe
  /// The completed phases, in seconds: name_lookup, connect, tls, first_byte.
  std::vector<std::pair<std::string_view, double>> phases;
  std::optional<int> status;  ///< of an HTTP reply
  /// When the first of the server's certificates expires, in seconds since 1970; also if they
  /// cannot be verified.
  std::optional<double> certificate_expiry;
};

/// Probes all targets at once, each over a new connection, on the calling thread. A name lookup has
/// a thread of its own, which is abandoned if it is late. HTTP targets get a GET; redirects are not
/// followed. No proxy; TLS 1.2 and up. Not thread-safe.
class Prober {
 public:
  /// Trusts the authorities in `ca_file` (PEM), read at each probe, instead of the system's.
  Prober(std::vector<ProbeTarget> targets, std::string ca_file);
  ~Prober();
  Prober(Prober&&) noexcept;
  Prober& operator=(Prober&&) noexcept;

  const std::vector<ProbeTarget>& targets() const;

  /// The result of each target. A probe that is not finished by the deadline has failed with
  /// `timeout`. Throws Error{cancelled} once a stop was requested.
  std::vector<ProbeResult> probe(const Deadline& deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace exporter::http
