#pragma once

#include <optional>
#include <string_view>

namespace exporter::http {

/// Whether the head of a request can be read in one way only. What lies between a client and this
/// server must not see another end of the request, or another host, than we do: RFC 9112 (3.2, 5.1,
/// 6.1, 6.3) has a server answer such a request with 400 and close the connection. libmicrohttpd
/// takes the first of several equal headers and reads up to a NUL.
class Framing {
 public:
  /// `version` as in the request line. With the end of the head, all is borrowed from the head as
  /// it was received: between two parts is the end of a line and nothing else, or a NUL or a line
  /// folded into the one before (5.2) hides there.
  explicit Framing(std::string_view version, const char* end_of_head = nullptr);

  /// Takes the headers one by one, in their order.
  void add(std::string_view name, std::string_view value);

  /// What is wrong, for the body of a response with status 400.
  std::optional<std::string_view> fault() const;

 private:
  std::string_view version_;
  const char *end_of_head_, *end_of_last_;
  std::optional<std::string_view> fault_;
  int hosts_ = 0, lengths_ = 0, encodings_ = 0;
};

}  // namespace exporter::http
