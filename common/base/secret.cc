#include "common/base/secret.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "common/base/error.h"

namespace exporter {

namespace {

constexpr std::size_t kMaxSecretBytes = 64 << 10;

Secret read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw io_error("secret file " + path, errno);
  std::string text(kMaxSecretBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) throw Error(Reason::config, "secret file " + path + ": cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  Secret whole(std::move(text));
  auto value = whole.reveal();
  if (value.size() > kMaxSecretBytes) {
    throw Error(Reason::config, "secret file " + path + ": larger than 64 KiB");
  }
  if (value.ends_with('\n')) value.remove_suffix(1);
  if (value.ends_with('\r')) value.remove_suffix(1);
  if (value.empty()) throw Error(Reason::config, "secret file " + path + ": empty");
  return Secret(std::string(value));
}

}  // namespace

// A short string that is moved leaves its bytes behind: copied and wiped instead.
// NOLINTNEXTLINE(cert-oop11-cpp,performance-move-constructor-init)
Secret::Secret(Secret&& other) noexcept : value_(other.value_) { other.wipe(); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    value_ = other.value_;
    other.wipe();
  }
  return *this;
}

Secret::~Secret() { wipe(); }

void Secret::wipe() noexcept {
  value_.resize(value_.capacity());
  ::explicit_bzero(value_.data(), value_.size());
  value_.clear();
}

SecretSource SecretSource::literal(Secret secret) { return {Kind::literal, {}, std::move(secret)}; }
SecretSource SecretSource::file(std::string path) {
  return {Kind::file, std::move(path), std::nullopt};
}
SecretSource SecretSource::env(std::string name) {
  return {Kind::env, std::move(name), std::nullopt};
}

Secret SecretSource::load() const {
  switch (kind_) {
    case Kind::file: return read_file(where_);
    case Kind::env:
      if (const char* value = std::getenv(where_.c_str()); value != nullptr && *value != '\0') {
        return Secret(value);
      }
      throw Error(Reason::config, "environment variable " + where_ + ": not set or empty");
    case Kind::literal: break;
  }
  return Secret(std::string(value_->reveal()));
}

}  // namespace exporter
