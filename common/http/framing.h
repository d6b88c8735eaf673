#pragma once

#include <optional>
#include <string_view>

namespace exporter::http {

/// Whether the head of a request has a single interpretation. A proxy between a client and this
/// server must not see another end of the request, or another host, than we do: RFC 9112 (3, 3.2,
/// 5.1, 6.1, 6.3) requires a server to answer such a request with an error and to close the
/// connection. libmicrohttpd uses the first of duplicate headers, reads up to a NUL, and accepts
/// chunks with invalid line ends; so bodies must have a Content-Length.
class Framing {
 public:
  /// Where the target is in the received head. The headers must be borrowed from there too: unless
  /// only a blank or a line end is between two parts, it hides a NUL or a folded line (5.2).
  struct Place {
    const char *target, *end;
  };
  Framing(std::string_view method, std::string_view target, std::string_view version,
          std::optional<Place> place);

  /// Checks one header; call it for all of them, in order.
  void add(std::string_view name, std::string_view value);

  /// The status and the body of the error response.
  struct Fault {
    int status;
    std::string_view text;
  };
  std::optional<Fault> fault() const;

 private:
  void note(std::string_view fault);

  std::optional<Place> place_;
  const char* end_of_last_;
  std::string_view version_;
  std::string_view first_fault_;
  int hosts_ = 0, lengths_ = 0, encodings_ = 0;
};

}  // namespace exporter::http
