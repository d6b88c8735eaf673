# The revision for --version and exporter_build_info; "unknown" outside a checkout.
set(DPE_REVISION "" CACHE STRING "Revision of the sources; empty: what git says")
set(revision ${DPE_REVISION})
find_package(Git QUIET)
if(NOT revision AND GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} rev-parse --short=12 HEAD
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE revision
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT revision)
  set(revision unknown)
endif()
configure_file(${CMAKE_SOURCE_DIR}/cmake/version.h.in ${CMAKE_BINARY_DIR}/generated/version.h @ONLY)
