// An ODBC driver without a socket that could be shut down. "SELECT hang" does not end, and
// SQLCancel does nothing, until hanging_driver_release() is called; "SELECT cancel" ends when
// SQLCancel is called, which itself hangs until then. Any other statement fails at once.

#include <sql.h>
#include <sqlext.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

namespace {

std::atomic<bool> is_released = false, cancel_hangs = false;
std::atomic<int> cancels = 0;
int something;

bool has(const SQLCHAR* text, const char* word) {
  return std::strstr(reinterpret_cast<const char*>(text), word) != nullptr;
}

template <class Condition>
void wait_while(Condition&& condition) {
  while (condition()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace

extern "C" {

void hanging_driver_release(bool is_on) { is_released = is_on; }
int hanging_driver_cancels() { return cancels; }

SQLRETURN SQLAllocHandle(SQLSMALLINT, SQLHANDLE, SQLHANDLE* handle) {
  *handle = &something;
  return SQL_SUCCESS;
}
SQLRETURN SQLFreeHandle(SQLSMALLINT, SQLHANDLE) { return SQL_SUCCESS; }
SQLRETURN SQLSetEnvAttr(SQLHENV, SQLINTEGER, SQLPOINTER, SQLINTEGER) { return SQL_SUCCESS; }
SQLRETURN SQLSetConnectAttr(SQLHDBC, SQLINTEGER, SQLPOINTER, SQLINTEGER) { return SQL_SUCCESS; }
SQLRETURN SQLDriverConnect(SQLHDBC, SQLHWND, SQLCHAR*, SQLSMALLINT, SQLCHAR*, SQLSMALLINT,
                           SQLSMALLINT*, SQLUSMALLINT) {
  return SQL_SUCCESS;
}
SQLRETURN SQLDisconnect(SQLHDBC) { return SQL_SUCCESS; }
SQLRETURN SQLGetInfo(SQLHDBC, SQLUSMALLINT, SQLPOINTER value, SQLSMALLINT size,
                     SQLSMALLINT* length) {
  if (size > 0) std::memset(value, 0, static_cast<std::size_t>(size));
  if (length != nullptr) *length = 0;
  return SQL_SUCCESS;
}
SQLRETURN SQLSetStmtAttr(SQLHSTMT, SQLINTEGER, SQLPOINTER, SQLINTEGER) { return SQL_SUCCESS; }
SQLRETURN SQLGetStmtAttr(SQLHSTMT, SQLINTEGER, SQLPOINTER value, SQLINTEGER, SQLINTEGER*) {
  if (value != nullptr) *static_cast<SQLPOINTER*>(value) = &something;  // its descriptors
  return SQL_SUCCESS;
}
SQLRETURN SQLFreeStmt(SQLHSTMT, SQLUSMALLINT) { return SQL_SUCCESS; }
SQLRETURN SQLNumResultCols(SQLHSTMT, SQLSMALLINT* count) {
  *count = 0;
  return SQL_SUCCESS;
}
SQLRETURN SQLExecDirect(SQLHSTMT, SQLCHAR* text, SQLINTEGER) {
  const bool hangs = has(text, "hang");
  cancel_hangs = has(text, "cancel");
  const int before = cancels;
  wait_while([&] { return (hangs || (cancel_hangs && cancels == before)) && !is_released; });
  return SQL_ERROR;
}
SQLRETURN SQLCancel(SQLHSTMT) {
  ++cancels;
  wait_while([] { return cancel_hangs && !is_released; });
  return SQL_SUCCESS;
}
SQLRETURN SQLGetDiagRec(SQLSMALLINT, SQLHANDLE, SQLSMALLINT, SQLCHAR*, SQLINTEGER*, SQLCHAR*,
                        SQLSMALLINT, SQLSMALLINT*) {
  return SQL_NO_DATA;
}
}
