#include "tests/support/gunzip.h"

#include <zlib.h>

#include <array>
#include <catch2/catch.hpp>

std::string gunzip_one_member(std::string_view compressed) {
  z_stream z{};
  REQUIRE(inflateInit2(&z, 15 + 16) == Z_OK);  // 16: a gzip frame, checksum included
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  z.avail_in = static_cast<uInt>(compressed.size());
  std::string text;
  std::array<char, 65536> buffer;
  int result = Z_OK;
  while (result == Z_OK) {
    z.next_out = reinterpret_cast<Bytef*>(buffer.data());
    z.avail_out = buffer.size();
    result = inflate(&z, Z_NO_FLUSH);
    text.append(buffer.data(), buffer.size() - z.avail_out);
  }
  inflateEnd(&z);
  CHECK(result == Z_STREAM_END);
  CHECK(z.avail_in == 0);
  return text;
}
