#include "common/http/gunzip.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "tests/common/client_fixture.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::http;

namespace {

/// What the bytes decode to when they come in pieces of this size, and "|cut" when they end early.
std::string decoded(std::string_view bytes, std::size_t piece_size) {
  Gunzip gunzip;
  std::string out;
  while (!bytes.empty()) {
    auto piece = bytes.substr(0, piece_size);
    bytes.remove_prefix(piece.size());
    for (auto text = gunzip.next(piece); !text.empty(); text = gunzip.next(piece)) out += text;
    REQUIRE(piece.empty());
  }
  return gunzip.is_whole() ? out : out + "|cut";
}

std::string random_text(std::size_t size) {
  std::mt19937 random(1);
  std::string text;
  while (text.size() < size) text += static_cast<char>(random() % 64);
  return text;
}

/// A gzip member with every field that a header can have (RFC 1952, 2.3).
std::string with_all_fields(const std::string& member) {
  return std::string("\x1f\x8b\x08\x1c\x01\x02\x03\x04\x00\xff", 10) +
         std::string("\x02\x00xy", 4) + std::string("name\0", 5) + std::string("comment\0", 8) +
         member.substr(10);
}

}  // namespace

TEST_CASE("a body decodes to the same text however it is cut into pieces") {
  const auto text = random_text(200'000);
  const auto packed = gzip_of(text);
  for (const std::size_t size : {1u, 2u, 7u, 4096u, 1'000'000u}) {
    CAPTURE(size);
    CHECK(decoded(packed, size) == text);
    CHECK(decoded(packed + gzip_of("") + gzip_of("end"), size) == text + "end");
  }
  CHECK(decoded(gzip_of(std::string(10'000'000, 'x')), 1000).size() == 10'000'000);
  CHECK(decoded(with_all_fields(gzip_of("a")), 1) == "a");
  CHECK(decoded("", 1).empty());
}

TEST_CASE("a body that ends anywhere but behind a member is not whole") {
  const auto packed = gzip_of("hello, hello, hello") + gzip_of("world");
  const auto first = gzip_of("hello, hello, hello").size();
  for (std::size_t size = 1; size < packed.size(); ++size) {
    CAPTURE(size);
    const auto text = decoded(std::string_view(packed).substr(0, size), 3);
    CHECK(text.ends_with("|cut") == (size != first));
  }
}

TEST_CASE("what no member is made of is refused") {
  const auto why = [](const std::string& bytes) {
    return error_of(Reason::decode, [&] { decoded(bytes, 5); });
  };
  auto packed = gzip_of("hello");
  CHECK(why("hello") == "gzip: incorrect header check");
  CHECK(why(packed + "x") == "no error");  // may still become the header of a member
  CHECK(decoded(packed + "x", 5) == "hello|cut");
  CHECK(why(packed + "xy") == "gzip: incorrect header check");
  CHECK(why(packed + std::string(2, '\0')) == "gzip: incorrect header check");
  packed[packed.size() - 6] ^= 1;
  CHECK(why(packed) == "gzip: incorrect data check");
  CHECK(why(std::string("\x1f\x8b\x07\x00\x00\x00\x00\x00\x00\x03", 10)) ==
        "gzip: unknown compression method");
}
