# What every target is compiled with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

option(DPE_WERROR "Warnings are errors" OFF)
set(DPE_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")

find_program(CCACHE ccache)
if(CCACHE)
  # As ccache's manual demands for precompiled headers; no file here uses __TIME__ or __DATE__.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
    ${CCACHE})
endif()

# g++ 12 warns of -Wrestrict in its own std::string (GCC bug 105329).
add_library(settings INTERFACE)
target_include_directories(settings INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(settings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -ffunction-sections -fdata-sections $<$<BOOL:${DPE_WERROR}>:-Werror>)
target_link_options(settings INTERFACE -Wl,--gc-sections -Wl,--as-needed)

if(DPE_SANITIZE)
  # What the optimizer finds, and GCC's manual advises against together with -fsanitize and -Werror.
  set(wrong_beside_sanitizers -Wno-array-bounds -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-stringop-overread)
  # A third of the time of a build, for an instruction before each access: the fuzz targets, which clang
  # builds, have these, and a null pointer is found without.
  set(dear_checks -fno-sanitize=null,alignment,object-size,vptr)
  # Their reports need lines, not variables.
  target_compile_options(settings INTERFACE -g1 -fsanitize=${DPE_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all
    "$<$<CXX_COMPILER_ID:GNU>:${dear_checks};${wrong_beside_sanitizers}>")
  target_link_options(settings INTERFACE -fsanitize=${DPE_SANITIZE})
else()
  target_compile_options(settings INTERFACE -fstack-protector-strong
    $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  target_link_options(settings INTERFACE -Wl,-z,relro -Wl,-z,now)
endif()

option(DPE_PRECOMPILE "Precompile the headers that most files include" ON)

# Precompiles what most files of a target include, and the headers given after its name: without,
# reading headers is two thirds of the time of a build. The dev build does not, and shows that each file
# includes what it uses; nor does the fuzz build, because clang's commands then name the checkout, and ccache
# finds nothing of another one.
function(precompile target)
  if(DPE_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE <algorithm> <array> <chrono> <filesystem> <functional>
      <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <utility> <vector> ${ARGN})
  endif()
endfunction()
