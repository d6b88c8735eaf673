#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/base/secret.h"

namespace exporter::http {

/// User names and their bcrypt hashes.
using Users = std::map<std::string, std::string, std::less<>>;

struct Credentials {
  std::string user;
  Secret password;
};

/// The content of a Basic Authorization header (RFC 7617); nothing if it is malformed.
std::optional<Credentials> parse_basic(std::string_view authorization);

/// Checks passwords. A correct one is remembered, under a keyed hash, until the user's hash
/// changes; a wrong one takes the same time for existing and other users.
class PasswordCheck {
 public:
  enum class Result {
    right,
    wrong,
    busy,  ///< too many concurrent checks: try again
  };
  Result check(const Users& users, const Credentials& credentials);

  /// How many hashes were computed, for tests.
  std::size_t computed() const { return computed_; }

 private:
  bool matches(const std::string& hash, const Secret& password);

  std::mutex computing_, remembering_;
  std::set<std::string> remembered_;
  std::atomic<int> waiting_ = 0;
  std::atomic<std::size_t> computed_ = 0;
};

}  // namespace exporter::http
