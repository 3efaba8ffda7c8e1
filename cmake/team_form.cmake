# The parts of tests/conformance/test_team_twin: the GPU's source of the team form compiled by cc. Bits do not depend on -O2; of -O1 the
# test takes 20 times as long.
set(team_twins "")
set(team_permuted linear_regression softmax_regression) # also with rows drawn without replacement
set(team_noisy linear_regression softmax_regression) # also with noise on the rows
set(team_permuted_noisy linear_regression) # and with both
function(add_team_twin symbol model lines)
  set(file ${CMAKE_BINARY_DIR}/generated/${symbol}.c)
  file(CONFIGURE OUTPUT ${file} CONTENT
       "#define EG_TEAM\n#define EG_THREAD_FORM\n${lines}#define EG_MODEL_FILE \"models/${model}.h\"\n#define TWIN_SYMBOL ${symbol}\n#include \"${CMAKE_SOURCE_DIR}/tests/conformance/team_twin.c\"\n"
       @ONLY)
  set(team_twins ${team_twins} ${file} PARENT_SCOPE)
endfunction()
foreach(model ${team_models})
  add_team_twin(team_twin_${model} ${model} "")
  if(model IN_LIST team_permuted)
    add_team_twin(permuted_team_twin_${model} ${model} "#define EG_PERMUTED 1\n")
  endif()
  if(model IN_LIST team_noisy)
    add_team_twin(noisy_team_twin_${model} ${model} "#define EG_NOISY 1\n")
  endif()
  if(model IN_LIST team_permuted_noisy)
    add_team_twin(permuted_noisy_team_twin_${model} ${model} "#define EG_PERMUTED 1\n#define EG_NOISY 1\n")
  endif()
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
