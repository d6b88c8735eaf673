#include "common/sql/handle.h"

#include <algorithm>
#include <array>

#include "common/base/error.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kMaxMessage = 4096;

}  // namespace

Handle::Handle(SQLSMALLINT type, SQLHANDLE parent) : type_(type) {
  if (SQL_SUCCEEDED(::SQLAllocHandle(type, parent, &handle_))) return;
  handle_ = SQL_NULL_HANDLE;
  throw Error(Reason::connect, "ODBC gives no handle");
}

Handle::~Handle() {
  if (handle_ != SQL_NULL_HANDLE) ::SQLFreeHandle(type_, handle_);
}

Diagnosis diagnose(SQLSMALLINT type, SQLHANDLE handle) {
  std::array<SQLCHAR, 6> state{};
  std::array<SQLCHAR, kMaxMessage> message{};
  SQLSMALLINT length = 0;
  Diagnosis result;
  const auto code = ::SQLGetDiagRec(type, handle, 1, state.data(), &result.native, message.data(),
                                    SQLSMALLINT(message.size()), &length);
  if (!SQL_SUCCEEDED(code)) return result;
  result.state = reinterpret_cast<const char*>(state.data());
  const auto size = std::min(std::size_t(std::max<SQLSMALLINT>(length, 0)), message.size() - 1);
  result.message.assign(reinterpret_cast<const char*>(message.data()), size);
  return result;
}

}  // namespace exporter::sql
