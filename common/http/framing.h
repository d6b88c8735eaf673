#pragma once

#include <optional>
#include <string_view>

namespace exporter::http {

/// Whether the head of a request can be read in one way only. What lies between a client and this
/// server must not see another end of the request, or another host, than we do: RFC 9112 (3, 3.2,
/// 5.1, 6.1, 6.3) has a server answer such a request with an error and close the connection.
/// libmicrohttpd takes the first of several equal headers, reads up to a NUL, and takes chunks
/// whose lines end in other ways than they must; so bodies have to have a length.
class Framing {
 public:
  /// Where parts of the head lie. What else is borrowed lies there as it was received: between two
  /// parts is a blank or the end of a line and nothing else, or a NUL or a line folded into the one
  /// before (5.2) hides there.
  struct Place {
    const char *target, *end;
  };
  Framing(std::string_view method, std::string_view target, std::string_view version,
          std::optional<Place> place);

  /// Takes the headers one by one, in their order.
  void add(std::string_view name, std::string_view value);

  /// What is wrong: the status and the body of the response.
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
