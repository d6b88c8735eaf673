// Whether this process's memory still contains parts of a key or of its passphrase. The texts to
// find are masked in memory, so that the test does not find its own copy.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/http/jwt.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::http;

namespace {

constexpr char kMask = 0x55;

/// Bytes of a file from `offset` on, masked.
std::string masked_part(const std::string& path, off_t offset, std::size_t size) {
  std::vector<char> bytes(size);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::pread(file, bytes.data(), size, offset) == static_cast<ssize_t>(size));
  ::close(file);
  std::string masked;
  for (const char c : bytes) masked += static_cast<char>(c ^ kMask);
  ::explicit_bzero(bytes.data(), bytes.size());
  return masked;
}

bool is_in(std::string_view bytes, const std::string& masked) {
  const char first = static_cast<char>(masked[0] ^ kMask);
  const auto matches = [](char hidden, char clear) { return (clear ^ kMask) == hidden; };
  for (auto at = bytes.find(first); at != bytes.npos; at = bytes.find(first, at + 1)) {
    if (bytes.size() - at < masked.size()) return false;
    const auto* candidate = bytes.data() + at;
    if (std::equal(masked.begin(), masked.end(), candidate, matches)) return true;
  }
  return false;
}

/// The writable memory of this process, without the huge mappings of sanitizers.
std::vector<std::pair<std::size_t, std::size_t>> writable_mappings() {
  constexpr std::size_t kLargest = 256u << 20;
  std::vector<std::pair<std::size_t, std::size_t>> mappings;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::size_t begin = 0, end = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%zx-%zx %4s", &begin, &end, rights) != 3) continue;
    if (rights[1] == 'w' && end - begin <= kLargest) mappings.emplace_back(begin, end);
  }
  return mappings;
}

/// The index of the first text found in memory; -1 if there is none.
int first_in_memory(const std::vector<std::string>& masked) {
  constexpr std::size_t kChunk = 1u << 20, kOverlap = 64;
  static std::vector<char> chunk(kChunk);
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  int found = -1;
  for (const auto& [begin, end] : writable_mappings()) {
    for (auto at = begin; at < end && found < 0; at += kChunk - kOverlap) {
      const auto got =
          ::pread(memory, chunk.data(), std::min(kChunk, end - at), static_cast<off_t>(at));
      for (std::size_t i = 0; got > 0 && i < masked.size() && found < 0; ++i) {
        if (is_in({chunk.data(), static_cast<std::size_t>(got)}, masked[i])) {
          found = static_cast<int>(i);
        }
      }
      ::explicit_bzero(chunk.data(), chunk.size());
    }
  }
  ::close(memory);
  return found;
}

}  // namespace

TEST_CASE("neither a key nor its passphrase stays in memory") {
  const TemporaryDirectory directory;
  const auto in = "cd '" + directory.path().string() + "' && { ";
  REQUIRE(std::system((in + "openssl rand -hex 24 >pass && openssl genrsa 2048 >plain.pem && "
                            "openssl pkcs8 -topk8 -in plain.pem -passout file:pass "
                            "-v2 aes-256-cbc -out key.pem && "
                            "openssl rsa -in plain.pem -outform DER -out plain.der; } 2>log")
                          .c_str()) == 0);
  const auto pass = (directory.path() / "pass").string(),
             plain = (directory.path() / "plain.pem").string();
  const auto passphrase = masked_part(pass, 0, 40), line = masked_part(plain, 500, 40);
  const auto exponent = masked_part((directory.path() / "plain.der").string(), 320, 40);
  {
    const auto held = SecretSource::file(pass).load();
    CHECK(first_in_memory({passphrase}) == 0);
  }
  RsaKey::load(SecretSource::file(directory.path() / "key.pem"), SecretSource::file(pass))
      .sign("x");
  RsaKey::load(SecretSource::file(plain), std::nullopt).sign("x");
  CHECK(first_in_memory({passphrase, line, exponent}) == -1);
}
