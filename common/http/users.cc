#include "common/http/users.h"

#include <crypt.h>
#include <string.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>

#include "common/base/text.h"
#include "common/http/tls.h"

namespace exporter::http {

namespace {

constexpr int kMaxWaiting = 16;
constexpr std::size_t kMaxRemembered = 1024;

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

std::optional<Secret> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string decoded;
  decoded.reserve(text.size());
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = base64_digit(c);
    if (digit < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    decoded += static_cast<char>(bits >> count & 0xff);
  }
  return Secret(std::move(decoded));
}

/// A hash for a user that does not exist: as expensive as an existing user's, the same each time,
/// and matched by no password.
std::string decoy_for(const Users& users, const std::string& user) {
  std::uint64_t number = 0;
  const auto hash = keyed_hash(user);
  std::memcpy(&number, hash.data(), sizeof number);
  const auto which = std::next(users.begin(), static_cast<long>(number % users.size()));
  constexpr std::size_t kPrefix = std::string_view("$2y$10$").size();
  return which->second.substr(0, kPrefix) + std::string(which->second.size() - kPrefix, '.');
}

/// An injective encoding of the three texts.
std::string joined(std::string_view user, std::string_view hash, std::string_view password) {
  return std::to_string(user.size()) + ":" + std::to_string(hash.size()) + ":" + std::string(user) +
         std::string(hash) + std::string(password);
}

/// Counts the waiting checks, including those that throw.
class Waiting {
 public:
  explicit Waiting(std::atomic<int>& count) : count_(count), number_(++count) {}
  ~Waiting() { --count_; }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  int number() const { return number_; }

 private:
  std::atomic<int>& count_;
  const int number_;
};

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference = static_cast<unsigned char>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

}  // namespace

std::optional<Credentials> parse_basic(std::string_view authorization) {
  if (!equal_ignoring_case(next_word(authorization), "Basic")) return std::nullopt;
  const auto decoded = decode_base64(trim(authorization));
  if (!decoded) return std::nullopt;
  auto password = decoded->reveal();
  if (password.find(':') == std::string_view::npos) return std::nullopt;
  std::string user(next_part(password, ':'));
  return Credentials{std::move(user), Secret(std::string(password))};
}

PasswordCheck::Result PasswordCheck::check(const Users& users, const Credentials& credentials) {
  const auto known = users.find(credentials.user);
  const bool exists = known != users.end();
  const auto hash = exists ? known->second : decoy_for(users, credentials.user);
  const Secret triple(joined(credentials.user, hash, credentials.password.reveal()));
  const auto key = keyed_hash(triple.reveal());
  {
    const std::lock_guard lock(remembering_);
    if (remembered_.contains(key)) return Result::right;
  }
  bool same = false;
  {
    const Waiting waiting(waiting_);
    if (waiting.number() > kMaxWaiting) return Result::busy;
    same = matches(hash, credentials.password);
  }
  if (!exists || !same) return Result::wrong;
  const std::lock_guard lock(remembering_);
  if (remembered_.size() >= kMaxRemembered) remembered_.clear();
  remembered_.insert(key);
  return Result::right;
}

bool PasswordCheck::matches(const std::string& hash, const Secret& password) {
  const std::lock_guard lock(computing_);
  ++computed_;
  const auto text = password.reveal();  // a Secret's text ends with a zero, as a string's does
  const bool cut = text.find('\0') != std::string_view::npos;
  const auto data = std::make_unique<crypt_data>();
  const char* result = ::crypt_rn(text.data(), hash.c_str(), data.get(), sizeof *data);
  const bool same = result != nullptr && equal_in_constant_time(result, hash);
  ::explicit_bzero(data.get(), sizeof *data);
  return same && !cut;
}

}  // namespace exporter::http
