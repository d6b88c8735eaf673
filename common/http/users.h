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

/// What an Authorization header of the Basic scheme says (RFC 7617); nothing when it is malformed.
std::optional<Credentials> parse_basic(std::string_view authorization);

/// Checks passwords. What was right is remembered, under a keyed hash, until the hash changes;
/// what was wrong takes as long for a user who does not exist as for one who does.
class PasswordCheck {
 public:
  enum class Result {
    right,
    wrong,
    busy,  ///< too many checks at once: try again
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
