#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace exporter {

/// A value that can be used but not printed: no copy, no operator<<, no conversion. Its memory is
/// wiped when it is destroyed or moved from.
class Secret {
 public:
  explicit Secret(std::string value);
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The value itself: pass it only to the library that needs it, never to a log, a label or an
  /// error.
  std::string_view reveal() const noexcept { return value_; }
  /// The same for a library that expects a zero at the end.
  const char* c_str() const noexcept { return value_.c_str(); }

 private:
  void wipe() noexcept;

  std::string value_;
};

/// The origin of a secret. It is read again at each load(), so that a rotated file takes effect.
class SecretSource {
 public:
  static SecretSource literal(Secret secret);
  static SecretSource file(std::string path);
  static SecretSource env(std::string name);

  /// The secret as it is now, of a file without a UTF-8 byte order mark and the last line break.
  /// Throws Error{config} naming the file or the variable (never the value) when it is missing,
  /// empty or above 64 KiB, or is not a regular file: a pipe would block.
  Secret load() const;

  /// How errors refer to it: "file /etc/token", "environment variable TOKEN", or "value in the
  /// configuration".
  std::string name() const;

 private:
  enum class Kind { literal, file, env };
  SecretSource(Kind kind, std::string where, std::shared_ptr<const Secret> value)
      : kind_(kind), where_(std::move(where)), value_(std::move(value)) {}

  Kind kind_;
  std::string where_;
  std::shared_ptr<const Secret> value_;  ///< of a literal, shared by its copies
};

}  // namespace exporter
