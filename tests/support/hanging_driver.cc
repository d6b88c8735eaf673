// An ODBC driver whose statements never end and whose SQLCancel does nothing: it has no socket that
// could be shut down. The statement "SELECT hang" hangs until hanging_driver_release() is called;
// any other fails at once.

#include <sql.h>
#include <sqlext.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

namespace {

std::atomic<bool> is_released = false;
std::atomic<int> cancels = 0;
int something;

}  // namespace

extern "C" {

void hanging_driver_release() { is_released = true; }
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
  const bool hangs = std::strstr(reinterpret_cast<const char*>(text), "hang") != nullptr;
  while (hangs && !is_released) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return SQL_ERROR;
}
SQLRETURN SQLCancel(SQLHSTMT) {
  ++cancels;
  return SQL_SUCCESS;
}
SQLRETURN SQLGetDiagRec(SQLSMALLINT, SQLHANDLE, SQLSMALLINT, SQLCHAR*, SQLINTEGER*, SQLCHAR*,
                        SQLSMALLINT, SQLSMALLINT*) {
  return SQL_NO_DATA;
}
}
