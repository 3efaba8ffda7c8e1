# The parts of tests/conformance/test_team_twin: the GPU's source of the team form compiled by cc. Bits do not depend on -O2; of -O1 the
# test takes 20 times as long.
set(team_twins "")
foreach(model ${team_models})
  set(file ${CMAKE_BINARY_DIR}/generated/team_twin_${model}.c)
  file(CONFIGURE OUTPUT ${file} CONTENT
       "#define EG_TEAM\n#define EG_THREAD_FORM\n#define EG_MODEL_FILE \"models/${model}.h\"\n#define TWIN_SYMBOL team_twin_${model}\n#include \"${CMAKE_SOURCE_DIR}/tests/conformance/team_twin.c\"\n"
       @ONLY)
  list(APPEND team_twins ${file})
endforeach()
add_library(eg_team_twin OBJECT ${team_twins})
target_link_libraries(eg_team_twin PRIVATE ${kernel_interface})
target_include_directories(eg_team_twin PRIVATE ${CMAKE_SOURCE_DIR}/tests/conformance)
target_compile_options(eg_team_twin PRIVATE -O2 -g1 -fopenmp-simd -ffp-contract=off -fno-math-errno -fno-trapping-math)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(eg_team_twin PRIVATE -march=x86-64-v3) # an fma is an instruction then, not a call: a third of the test
endif()
set_target_properties(eg_team_twin PROPERTIES POSITION_INDEPENDENT_CODE ON)
target_sources(test_team_twin PRIVATE $<TARGET_OBJECTS:eg_team_twin>)
