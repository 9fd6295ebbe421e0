# cmake -DNM=nm -DISA=avx2 -P isa_symbols.cmake -- OBJECT...
#
# Every symbol that the objects of one instruction set share with others must carry the set's
# namespace. An inline function or template without it (std::sort over plain ints, say) would be
# merged by the linker with the baseline's copy, and an older processor could meet instructions
# that it lacks.
set(objects)
set(separator_seen FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(index RANGE ${last})
  if(separator_seen)
    list(APPEND objects "${CMAKE_ARGV${index}}")
  elseif("${CMAKE_ARGV${index}}" STREQUAL "--")
    set(separator_seen TRUE)
  endif()
endforeach()
if(NOT objects)
  message(FATAL_ERROR "no objects were given")
endif()

execute_process(COMMAND "${NM}" -C --defined-only ${objects} OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${NM} failed: ${failed}")
endif()
string(REPLACE ";" "," symbols "${symbols}")
string(REGEX MATCHALL "[0-9a-f]+ [TWVuBDR] [^\n]+" shared "${symbols}")
if(NOT shared)
  message(FATAL_ERROR "${NM} listed no symbol")
endif()
list(FILTER shared EXCLUDE REGEX "sartor::${ISA}::")
if(shared)
  list(JOIN shared "\n" lines)
  message(FATAL_ERROR "symbols of ${ISA} outside namespace sartor::${ISA}:\n${lines}")
endif()
