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

/// What a probe reaches: a TCP port (tcp://host:port) or a page (http://, https://).
struct ProbeTarget {
  enum class Kind { tcp, http, https };
  Kind kind;
  std::string label;  ///< as it was given, without the query, which may hold secrets
  std::string url;    ///< for libcurl
};

/// Throws Error{config} when it is none of these three, or holds a user, a password or a fragment;
/// never quotes the text.
ProbeTarget parse_probe_target(const std::string& text);

/// Why a probe failed, in the order in which it can: no address for the name, no connection, no
/// handshake or no valid certificate, no HTTP reply (closed, cut short or malformed), a status
/// other than 2xx; or no time left on the way.
enum class ProbeFailure { dns, connect, tls, reply, status, timeout };
constexpr std::array<std::string_view, 6> kProbeFailures = {"dns",   "connect", "tls",
                                                            "reply", "status",  "timeout"};

struct ProbeResult {
  std::optional<ProbeFailure> failure;
  std::string why;     ///< of a failure, in words
  double seconds = 0;  ///< the whole probe
  /// The phases that came to their end, in seconds: name_lookup, connect, tls, first_byte.
  std::vector<std::pair<std::string_view, double>> phases;
  std::optional<int> status;  ///< of an HTTP reply
  /// When the first of the certificates that the server showed expires, in seconds since 1970;
  /// also of one that cannot be verified.
  std::optional<double> certificate_expiry;
};

/// Probes targets, each over a new connection and all at once, on the thread that asks; a lookup of
/// a name has a thread of its own, which is left behind when it is late. An http target is asked
/// with GET, redirects are not followed. No proxy; TLS 1.2 and up. For one thread at a time.
class Prober {
 public:
  /// Trusts the authorities in `ca_file` (PEM), read at each probe, instead of the system's.
  Prober(std::vector<ProbeTarget> targets, std::string ca_file);
  ~Prober();
  Prober(Prober&&) noexcept;
  Prober& operator=(Prober&&) noexcept;

  const std::vector<ProbeTarget>& targets() const;

  /// The result of each target. What is not done by the deadline has failed with `timeout`. Throws
  /// Error{cancelled} once a stop was requested.
  std::vector<ProbeResult> probe(const Deadline& deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace exporter::http
